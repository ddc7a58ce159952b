# shellcheck shell=bash
# Whether a system may be activated on this host: nixfleet-preflight SYSTEM
# Exit codes: 0 it may, 3 it is another host's, 4 it needs a reboot.
# NIXFLEET_ALLOW_INHIBITED=1 accepts what a reboot would be needed for.
system=$1
root=${NIXFLEET_ROOT:-}
wanted=$system/etc/nixfleet/inhibitors.json
running=$root/run/current-system/etc/nixfleet/inhibitors.json
identity=$root/etc/nixfleet/identity

host=$(jq -r .hostname "$wanted")
if [ -e "$identity" ]; then
  own=$(jq -r .host "$identity")
  if [ "$own" != "$host" ]; then
    echo "nixfleet-preflight: the system is $host's and this host is $own: nothing was changed; check the address that was used" >&2
    exit 3
  fi
fi
[ -e "$running" ] || exit 0

changed=$(jq -rn --slurpfile old "$running" --slurpfile new "$wanted" '
  $old[0] as $o | $new[0] as $n | [($o + $n | keys[]) | select($o[.] != $n[.])
  | "\(.): \($o[.] // "none") -> \($n[.] // "none")"] | join(", ")')
if [ -n "$changed" ] && [ "${NIXFLEET_ALLOW_INHIBITED:-0}" != 1 ]; then
  echo "nixfleet-preflight: $changed: a running system cannot change that: bring it up by a reboot" >&2
  exit 4
fi
