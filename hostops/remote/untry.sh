#!/bin/sh
# End the trial of a system: at once by a reboot where it runs, else as if it had never been armed. NF_REASON. Needs loader.sh.

main() {
  say untry 1
  [ -r "$R/var/lib/nixfleet/trial" ] || return 0
  wanted=$(sed -n "s/^NF_WANTED='\(.*\)'\$/\1/p" "$R/var/lib/nixfleet/trial")
  if [ "$(store /run/booted-system)" != "$wanted" ]; then
    once_never
    rm -f "$R/var/lib/nixfleet/trial"
    refuse "$wanted"
    return
  fi
  systemd-run --quiet --collect --on-active=1 --timer-property=AccuracySec=100ms \
    /bin/sh "$R/var/lib/nixfleet/trial" end "$NF_REASON" && say rebooting 1
}

main </dev/null
