#!/bin/sh
# The new system has proven itself: disarm the watchdog, tell what runs, in case it fired just before, and make it what
# boots by default. NF_WANTED: the system; NF_DEFAULT: `yes`, or `no` where only a boot can prove it. Needs loader.sh.

main() {
  systemctl stop nixfleet-rollback.timer 2>/dev/null
  say watchdog "$(systemctl is-active nixfleet-rollback.timer)"
  say rollback "$(systemctl is-active nixfleet-rollback.service nixfleet-undo.service | tr '\n' ' ')"
  say current_system "$(store /run/current-system)"
  say rolled_back "$(rolled_back)"
  say committed 1
  if [ "$(store /run/current-system)" != "$NF_WANTED" ] || [ -n "$(rolled_back)" ]; then
    return 0
  fi
  systemctl stop nixfleet-switch.service 2>/dev/null
  rm -f "$R/run/nixfleet/rollback" "$R/run/nixfleet-failed-before"
  if [ "$NF_DEFAULT" = yes ]; then
    before=$(boots_next)
    if ! make_default "$NF_WANTED"; then
      [ -z "$before" ] || make_default "$before"
      say default_failed 1
      return 0
    fi
    rm -f "$R/nix/var/nix/gcroots/nixfleet-candidate"
  fi
  say next_system "$(boots_next)"
}

main </dev/null
