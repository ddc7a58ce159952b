#!/bin/sh
# Disks of the machine. NF_DEVICES: paths of those that an installation would format, in order. Looks at boot partitions
# read-only; what the others carry is told too, as far as it has labels.

# installs DEVICE: ids of the installations that the disk's boot partitions tell of
installs() {
  lsblk -nrpo NAME "$1" | while read -r part; do
    [ "$(lsblk -dnro FSTYPE "$part")" = vfat ] || continue
    # An installation that was stopped left it mounted, and it cannot be mounted in another way then.
    at=$(lsblk -dnro MOUNTPOINT "$part")
    if [ -n "$at" ]; then
      first "$at/nixfleet-installs"
      printf ' '
      continue
    fi
    mkdir -p "$R/run/nixfleet/boot"
    if ! mount -o ro "$part" "$R/run/nixfleet/boot" >&2; then
      printf 'unreadable '
      continue
    fi
    first /run/nixfleet/boot/nixfleet-installs
    printf ' '
    umount "$R/run/nixfleet/boot" >&2
  done
}

labels() {
  lsblk -nro PARTLABEL "$1" | tr '\n' ' '
}

named() {
  if ! lsblk -dno NAME "$2" >/dev/null 2>&1; then
    return
  fi
  say "found_$1" "$(lsblk -dno NAME "$2")"
  say "serial_$1" "$(lsblk -dno SERIAL "$2")"
  if [ -z "$(lsblk -dno PTTYPE "$2")" ]; then
    say "files_$1" "$(lsblk -dno FSTYPE "$2")"
  fi
  say "bytes_$1" "$(lsblk -bdno SIZE "$2")"
  say "labels_$1" "$(labels "$2")"
  say "installs_$1" "$(installs "$2")"
}

main() {
  say disk 1
  known=' '
  number=0
  for device in $NF_DEVICES; do
    named "$number" "$device"
    known="$known$(lsblk -dno NAME "$device" 2>/dev/null) "
    number=$((number + 1))
  done
  for name in $(lsblk -dnro NAME); do
    case $known in *" $name "*) ;; *) say "other_$name" "$(labels "/dev/$name")" ;; esac
  done
  say disks "$(lsblk -dnro NAME,SIZE,SERIAL | tr '\n' ';')"
}

main </dev/null
