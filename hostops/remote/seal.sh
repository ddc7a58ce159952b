#!/bin/sh
# In the installer, after the installation: note on the EFI system partition, which can be read without any key, which
# installations this disk has seen. NF_INSTALLS: their ids, the newest last.

main() {
  if [ ! -e "$R/mnt/etc/nixfleet/identity" ]; then
    printf 'the new system is not mounted at /mnt\n' >&2
    exit 1
  fi
  for folder in /efi /boot/efi /boot; do
    # The first of these that a layout has is its EFI system partition.
    [ -d "$R/mnt$folder" ] && break
  done
  printf '%s\n' "$NF_INSTALLS" | put "/mnt$folder/nixfleet-installs" 0644 || exit
  printf '%s\n' "${NF_INSTALLS##* }" | put /run/nixfleet/sealed 0644 || exit
  say sealed "${NF_INSTALLS##* }"
}

main
