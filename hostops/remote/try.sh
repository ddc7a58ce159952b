#!/bin/sh
# Try a system by a boot: its entry is in the menu and boots once, the default stays what had proven itself, and the guard
# on the disk brings the host back unless the trial is confirmed. NF_WANTED: the system; NF_BY, NF_MINUTES, NF_ROLE,
# NF_ADDRESS: for the guard; NF_TRIAL: the guard; NF_REBOOT: whether to reboot now, `yes` or `no`. Needs loader.sh.

main() {
  # Not `number`, which loader.sh uses: a shell has one name for all.
  previous=$(boots_next)
  # Made the default by other hands: what booted last had come up.
  [ "$previous" != "$NF_WANTED" ] || previous=$(store /run/booted-system)
  if [ -z "$previous" ] || [ "$previous" = "$NF_WANTED" ]; then
    echo "no other system that had come up is known, so there is nothing to go back to" >&2
    return 1
  fi
  generation=$(number_of "$NF_WANTED")
  if [ -z "$generation" ]; then
    nix-env --profile "$R$PROFILE" --set "$NF_WANTED" || return
    generation=$(number_of "$NF_WANTED")
  fi
  make_default "$previous" || return
  {
    for name in WANTED BY MINUTES ROLE ADDRESS HOST; do
      eval "value=\$NF_$name"
      # shellcheck disable=SC2154 # eval sets it
      printf "NF_%s='%s'\n" "$name" "$value"
    done
    printf "NF_PREVIOUS='%s'\nNF_BOOT='%s'\nNIXFLEET_ROOT='%s'\n" \
      "$previous" "$(first /proc/sys/kernel/random/boot_id)" "$R"
    printf '%s\n' "$NF_TRIAL"
  } | put /var/lib/nixfleet/trial 0700 || return
  if ! once "$generation"; then
    rm -f "$R/var/lib/nixfleet/trial"
    refuse "$NF_WANTED"
    return 1
  fi
  rm -f "$R/var/lib/nixfleet/rolled-back.json"
  say previous "$previous"
  [ "$NF_REBOOT" = yes ] || return 0
  # After the answer has left; systemd's own accuracy of timers is a minute.
  systemd-run --quiet --collect --on-active=1 --timer-property=AccuracySec=100ms systemctl reboot && say rebooting 1
}

main </dev/null
