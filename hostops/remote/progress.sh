#!/bin/sh
# How far the activation is; waits for its end up to NF_SECONDS, here and not at the far end of the line.

state() {
  systemctl show nixfleet-switch.service --property=ActiveState --property=Result --property=ExecMainStatus
}

main() {
  left=$NF_SECONDS
  now=$(state)
  while [ "$left" -gt 0 ]; do
    case $now in
      *ActiveState=activating*) ;;
      *) break ;;
    esac
    sleep 1
    left=$((left - 1))
    now=$(state)
  done
  say progress 1
  say boot_id "$(first /proc/sys/kernel/random/boot_id)"
  printf '%s\n' "$now"
  say current_system "$(store /run/current-system)"
  say rolled_back "$(rolled_back)"
  say rollback "$(systemctl is-active nixfleet-rollback.service nixfleet-undo.service | tr '\n' ' ')"
  say new_failures "$(new_failures)"
}

# new_failures: units that are failed now and were not before the activation, which is itself one of them
new_failures() {
  systemctl list-units --failed --no-legend --plain | while read -r unit _; do
    [ "$unit" = nixfleet-switch.service ] && continue
    grep -qxF "$unit" "$R/run/nixfleet-failed-before" 2>/dev/null || printf '%s ' "$unit"
  done
}

main </dev/null
