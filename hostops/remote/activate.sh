#!/bin/sh
# Arm the watchdog that goes back to the running system, then start the activation of the new one. Both are transient
# units: a connection that is lost changes nothing. What boots by default stays what it was, so a power cut at any moment
# brings a system back that had proven itself. NF_WANTED: store path of the new system; NF_PREVIOUS: of the one to go
# back to; NF_MINUTES: until the watchdog acts; NF_HOST: the host's name; NF_ROLLBACK: the script that goes back.

clear_unit() {
  systemctl stop "$1" 2>/dev/null
  systemctl reset-failed "$1" 2>/dev/null
  :
}

main() {
  clear_unit nixfleet-rollback.timer
  clear_unit nixfleet-rollback.service
  clear_unit nixfleet-switch.service
  rm -f "$R/var/lib/nixfleet/rolled-back.json"
  mkdir -p "$R/nix/var/nix/gcroots" || exit
  # It is no generation yet: nothing else keeps it from the garbage collector.
  ln -sfn "$R$NF_WANTED" "$R/nix/var/nix/gcroots/nixfleet-candidate" || exit
  failing >"$R/run/nixfleet-failed-before" || exit
  {
    printf "NF_WANTED='%s'\nNF_PREVIOUS='%s'\nNF_HOST='%s'\nNF_BOOT='%s'\nNIXFLEET_ROOT='%s'\n" \
      "$NF_WANTED" "$NF_PREVIOUS" "$NF_HOST" "$(first /proc/sys/kernel/random/boot_id)" "$R"
    printf '%s\n' "$NF_ROLLBACK"
  } | put /run/nixfleet/rollback 0700 || exit
  # systemd's own accuracy of timers is a minute.
  systemd-run --quiet --unit=nixfleet-rollback --on-active="${NF_MINUTES}m" --timer-property=AccuracySec=1s \
    --description="back to $NF_PREVIOUS" /bin/sh "$R/run/nixfleet/rollback" || exit
  [ "$(systemctl is-active nixfleet-rollback.timer)" = active ] || exit
  say armed "$NF_MINUTES"
  # `test` activates and leaves the boot loader alone. An activation that ignores signals must not hold the way back:
  # systemd would wait 90 s before it kills. EXPECTED_HOSTNAME answers the host name check of switches.
  systemd-run --quiet --unit=nixfleet-switch --no-block --service-type=oneshot --remain-after-exit \
    --property=TimeoutStopSec=10 --setenv=EXPECTED_HOSTNAME="$NF_HOST" \
    "$R$NF_WANTED/bin/switch-to-configuration" test || exit
  say activating "$NF_WANTED"
}

main </dev/null
