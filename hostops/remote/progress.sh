#!/bin/sh
# How far the activation is; waits for its end up to NF_SECONDS, here and not at the far end of the line.

state() {
  systemctl show nixfleet-switch.service --property=ActiveState --property=Result --property=ExecMainStatus
}

main() {
  new='' old=''
  left=$NF_SECONDS
  now=$(state)
  while [ "$left" -gt 0 ]; do
    case $now in
      *ActiveState=activating*) ;;
      *ActiveState=*) break ;;
      # systemd answers nobody while it re-executes itself, which is no end of the activation.
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
  # The activation is itself one of them.
  for unit in $(failing); do
    [ "$unit" != nixfleet-switch.service ] || continue
    if grep -qxF "$unit" "$R/run/nixfleet-failed-before" 2>/dev/null; then old="$old$unit "; else new="$new$unit "; fi
  done
  say new_failures "$new"
  say old_failures "$old"
}

main </dev/null
