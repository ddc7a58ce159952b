#!/bin/sh
# Arm the watchdog that goes back to the running system, then start the activation of the new one. Both are transient
# units: a connection that is lost changes nothing. NF_WANTED: store path of the new system; NF_PREVIOUS: of the one to
# go back to; NF_MINUTES: until the watchdog acts; NF_HOST: the host's name; NF_ROLLBACK: the script that goes back.

clear_unit() {
  systemctl stop "$1" 2>/dev/null
  systemctl reset-failed "$1" 2>/dev/null
  :
}

# preflight: whether the running system may become the new one; the system's own tool knows, if it has one
preflight() {
  command -v nixfleet-preflight >/dev/null 2>&1 || return 0
  nixfleet-preflight "$R$NF_WANTED"
}

main() {
  preflight
  status=$?
  say preflight "$status"
  [ "$status" -eq 0 ] || return
  clear_unit nixfleet-rollback.timer
  clear_unit nixfleet-rollback.service
  clear_unit nixfleet-switch.service
  rm -f "$R/var/lib/nixfleet/rolled-back.json"
  failed_units >"$R/run/nixfleet-failed-before" || exit
  {
    printf "NF_WANTED='%s'\nNF_PREVIOUS='%s'\nNIXFLEET_ROOT='%s'\n" "$NF_WANTED" "$NF_PREVIOUS" "$R"
    printf '%s\n' "$NF_ROLLBACK"
  } | put /run/nixfleet/rollback 0700 || exit
  systemd-run --quiet --unit=nixfleet-rollback --on-active="${NF_MINUTES}m" \
    --description="back to $NF_PREVIOUS" /bin/sh "$R/run/nixfleet/rollback" || exit
  [ "$(systemctl is-active nixfleet-rollback.timer)" = active ] || exit
  say armed "$NF_MINUTES"
  # The answer to the host name check of switches; nobody is there to be asked.
  systemd-run --quiet --unit=nixfleet-switch --no-block --service-type=oneshot --remain-after-exit \
    --setenv=EXPECTED_HOSTNAME="$NF_HOST" "$R$NF_WANTED/bin/switch-to-configuration" switch || exit
  say activating "$NF_WANTED"
}

failed_units() {
  systemctl list-units --failed --no-legend --plain | while read -r unit _; do
    printf '%s\n' "$unit"
  done
}

main </dev/null
