#!/bin/sh
# The system on trial has proven itself: it becomes the default. Tells what runs, in case the guard acted just before.
# NF_WANTED: the system. Needs loader.sh.

main() {
  systemctl stop nixfleet-trial-end.timer 2>/dev/null
  say guard "$(systemctl is-active nixfleet-trial-end.timer nixfleet-trial-end.service | tr '\n' ' ')"
  say rolled_back "$(rolled_back)"
  say current_system "$(store /run/current-system)"
  [ "$(store /run/current-system)" = "$NF_WANTED" ] && [ -z "$(rolled_back)" ] || return
  make_default "$NF_WANTED" || return
  rm -f "$R/var/lib/nixfleet/trial"
  say next_system "$(boots_next)"
  say confirmed 1
}

main </dev/null
