#!/bin/sh
# After an installation: note on the EFI system partition, which can be read without any key, which installations this
# disk has seen. NF_AT: where the new system is, /mnt in the installer and nothing once it runs; NF_INSTALLS: their ids,
# the newest last.

# listed FOLDER: whether it is there under this very name. FAT does not tell EFI from efi: where the partition is /boot, its
# folder EFI is no /boot/efi.
listed() {
  for found in "${1%/*}"/*; do
    if [ "$found" = "$1" ]; then
      return 0
    fi
  done
  return 1
}

main() {
  if [ ! -e "$R$NF_AT/etc/nixfleet/identity" ] && [ ! -e "$R$NF_AT/persist/etc/nixfleet/identity" ]; then
    printf 'the new system is not mounted at %s\n' "$NF_AT/" >&2
    exit 1
  fi
  for folder in /efi /boot/efi /boot; do
    # The first of these that a layout has is its EFI system partition.
    listed "$R$NF_AT$folder" && break
  done
  # In the folder below it the note would be seen by nobody.
  if ! lsblk -nro MOUNTPOINT | grep -qxF "$NF_AT$folder"; then
    printf 'the EFI system partition is not mounted at %s\n' "$NF_AT$folder" >&2
    exit 1
  fi
  printf '%s\n' "$NF_INSTALLS" | put "$NF_AT$folder/nixfleet-installs" 0644 || exit
  if [ -n "$NF_AT" ]; then
    printf '%s\n' "${NF_INSTALLS##* }" | put /run/nixfleet/sealed 0644 || exit
  fi
  say sealed "${NF_INSTALLS##* }"
}

main
