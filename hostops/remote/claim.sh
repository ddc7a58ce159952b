#!/bin/sh
# In the installer, before the disks are touched: note in memory whose installation this is, so that a second run goes
# on with it. NF_CLAIM: its id; NF_DISKS: the disks that it is for; NF_INSTALLS: ids of the earlier ones on them.

main() {
  printf '%s\n' "$NF_INSTALLS" | put /run/nixfleet/installs 0644 || exit
  # Before the claim, which counts for these only.
  printf '%s\n' "$NF_DISKS" | put /run/nixfleet/claimed 0644 || exit
  printf '%s\n' "$NF_CLAIM" | put /run/nixfleet/claim 0644 || exit
  # Half of the memory, the default, is too little for some systems; the closure itself goes to the disk.
  if [ -d "$R/nix/.rw-store" ]; then
    mount -o remount,size=75% "$R/nix/.rw-store" || :
  fi
  say claimed "$NF_CLAIM"
}

main
