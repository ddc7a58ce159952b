# shellcheck shell=bash
# SSH answers and the network is up: this generation came up. With systemd-boot, systemd takes this unit's success as the word.
root=${NIXFLEET_ROOT:-}
if [ "$LOADER" = grub ]; then
  grub-editenv "$root/boot/grub/grubenv" unset nixfleet_tries
fi
