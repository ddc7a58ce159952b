# shellcheck shell=bash
# Print this host's identity, generation, wanted and running closure, and the health of k3s: fleet-status
# Exit code: 0 healthy, 1 not.
root=${NIXFLEET_ROOT:-}
profile=$root/nix/var/nix/profiles/system

json_or_null() { if [ -s "$1" ]; then jq -c . "$1"; else echo null; fi; }
link_or_empty() { readlink -f "$1" 2>/dev/null || true; }
health() { curl --silent --max-time 5 --output /dev/null --write-out '%{http_code}' --insecure "$1" || true; }

facts=$(json_or_null "$root/run/current-system/etc/nixfleet/closure.json")
role=$(jq -r '.k3s // "none"' <<<"$facts")
generation=$(basename "$(readlink "$profile" 2>/dev/null || echo none)")
generation=${generation#system-}
generation=${generation%-link}
unit=none
api=none
if [ "$role" != none ]; then
  unit=$(systemctl is-active k3s.service || true)
  # 401 is an API server that answers and does not know us.
  [ "$role" = agent ] || api=$(health https://127.0.0.1:6443/readyz)
fi
failed=$(systemctl list-units --state=failed --plain --no-legend | jq -R -s -c '[split("\n")[] | select(. != "") | split(" ")[0]]')

jq -n --argjson identity "$(json_or_null "$root/etc/nixfleet/identity")" \
  --argjson rolledBack "$(json_or_null "$root/var/lib/nixfleet/rolled-back.json")" \
  --argjson facts "$facts" --argjson failed "$failed" \
  --arg generation "$generation" --arg wanted "$(link_or_empty "$profile")" \
  --arg running "$(link_or_empty "$root/run/current-system")" --arg booted "$(link_or_empty "$root/run/booted-system")" \
  --arg role "$role" --arg unit "$unit" --arg api "$api" '
  {identity: $identity, host: $facts, generation: ($generation | tonumber? // null), wanted: $wanted, running: $running,
   booted: $booted, rolledBack: $rolledBack, failedUnits: $failed,
   k3s: {role: $role, unit: $unit, api: $api,
         healthy: ($role == "none" or ($unit == "active" and ($role == "agent" or $api == "200" or $api == "401")))}}
  | .healthy = (.k3s.healthy and .wanted == .running and (.failedUnits | length) == 0)
  | ., (if .healthy then empty else halt_error(1) end)' 2>/dev/null
