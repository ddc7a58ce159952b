#!/bin/sh
# Do the watchdog's work now. It stays armed until that is done.

main() {
  systemd-run --quiet --collect --unit=nixfleet-undo /bin/sh "$R/run/nixfleet/rollback" now && say undoing 1
}

main </dev/null
