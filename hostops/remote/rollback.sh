# shellcheck shell=sh
# Go back to the system that ran before: what the watchdog does, and what is done at once when a check has failed.
# NF_PREVIOUS: its store path; NF_WANTED: the system that did not prove itself, which was never the default of the boot loader.
# $1: `now` where it does not come from the timer.

# restart_ssh: whatever the new system did to it; connections that are open stay open
restart_ssh() {
  for unit in sshd.service ssh.service sshd.socket; do
    [ "$(systemctl show --property=LoadState --value "$unit")" = loaded ] || continue
    systemctl reset-failed "$unit"
    systemctl restart "$unit"
    return
  done
}

main() {
  mkdir -p "$R/var/lib/nixfleet"
  printf '{"refused": "%s", "system": "%s", "at": "%s", "reason": "it was not confirmed in time"}\n' \
    "$NF_WANTED" "$NF_PREVIOUS" "$(date -u +%FT%TZ)" >"$R/var/lib/nixfleet/rolled-back.json"
  # An activation that hangs holds the lock.
  systemctl stop nixfleet-switch.service
  EXPECTED_HOSTNAME="$NF_HOST" "$R$NF_PREVIOUS/bin/switch-to-configuration" test
  status=$?
  restart_ssh
  rm -f "$R/nix/var/nix/gcroots/nixfleet-candidate"
  # What has done its work is not armed any more; a way back that failed can be gone again.
  [ "$(store /run/current-system)" != "$NF_PREVIOUS" ] || rm -f "$R/run/nixfleet/rollback"
  # A timer that has fired goes by itself; stopping it from the unit that it started is an error in the journal.
  if [ "${1-}" = now ]; then
    systemctl stop nixfleet-rollback.timer
  fi
  exit "$status"
}

main "$@" </dev/null
