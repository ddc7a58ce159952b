#!/bin/sh
# Shut the host down after the answer has left: units are stopped, and file systems unmounted.

main() {
  systemd-run --quiet --collect --on-active=1 --timer-property=AccuracySec=100ms systemctl poweroff && say halting 1
}

main </dev/null
