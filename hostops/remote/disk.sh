#!/bin/sh
# The disk that an installation would format. NF_DEVICE: its path. Looks at the boot partition read-only.

# installs: ids of the installations that the disk's boot partitions tell of
installs() {
  lsblk -nrpo NAME,FSTYPE "$NF_DEVICE" | while read -r part type; do
    [ "$type" = vfat ] || continue
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

main() {
  say disk 1
  if ! lsblk -dno NAME "$NF_DEVICE" >/dev/null 2>&1; then
    say found no
    say disks "$(lsblk -dnro NAME,SIZE,SERIAL | tr '\n' ';')"
    return
  fi
  say found yes
  say serial "$(lsblk -dno SERIAL "$NF_DEVICE")"
  say bytes "$(lsblk -bdno SIZE "$NF_DEVICE")"
  say labels "$(lsblk -nro PARTLABEL "$NF_DEVICE" | tr '\n' ' ')"
  say disk_installs "$(installs)"
}

main </dev/null
