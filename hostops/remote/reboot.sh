#!/bin/sh
# Reboot after the answer has left.

main() {
  systemd-run --quiet --collect --on-active=1 systemctl reboot && say rebooting 1
}

main </dev/null
