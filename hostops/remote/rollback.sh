# shellcheck shell=sh
# Go back to the system that ran before: what the watchdog does, and what is done at once when a check has failed.
# NF_PREVIOUS: its store path; NF_WANTED: the system that did not prove itself.

main() {
  mkdir -p "$R/var/lib/nixfleet"
  printf '{"refused": "%s", "system": "%s", "at": "%s"}\n' "$NF_WANTED" "$NF_PREVIOUS" "$(date -u +%FT%TZ)" \
    >"$R/var/lib/nixfleet/rolled-back.json"
  # An activation that hangs holds the lock.
  systemctl stop nixfleet-switch.service
  nix-env --profile "$R/nix/var/nix/profiles/system" --set "$NF_PREVIOUS"
  "$R$NF_PREVIOUS/bin/switch-to-configuration" switch
  status=$?
  systemctl stop nixfleet-rollback.timer
  exit "$status"
}

main </dev/null
