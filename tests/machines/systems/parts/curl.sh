# shellcheck shell=sh
# shellcheck disable=SC2154 # build.sh writes `system`, `way`, `partitions`, `address` and `loader` before it
# Stands for the one request that hostops makes of k3s by itself: another server token (PUT /v1-k3s/token). The API lets
# in who has the present one, which lies in /var/lib/fleet/token once it was changed.
config=$2
present=$(cat /var/lib/fleet/token 2>/dev/null || cat /etc/nixfleet/secrets/server-token)
given=$(sed -n 's/^user = "server:\(.*\)"$/\1/p' "$config")
new=$(sed -n 's/^data = "{\\"newToken\\":\\"\(.*\)\\"}"$/\1/p' "$config")
if [ "$(systemctl is-active k3s.service)" != active ]; then
  printf 000
elif [ -z "$new" ] || [ "$given" != "$present" ]; then
  printf 401
else
  mkdir -p /var/lib/fleet
  printf '%s' "$new" >/var/lib/fleet/token
  printf 200
fi
