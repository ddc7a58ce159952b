# shellcheck shell=bash
# Before k3s starts: the node's address is there, and a node that joins knows a server that answers.
# Environment: NODE_ADDRESS NODE_INTERFACE JOIN_THROUGH
root=${NIXFLEET_ROOT:-}
override=$root/etc/rancher/k3s/config.yaml.d/80-server.yaml
if [ -n "$NODE_INTERFACE" ]; then
  found=$(ip -json -4 address show dev "$NODE_INTERFACE" | jq -r '[.[].addr_info[].local] | join(" ")' || true)
  case " $found " in
    *" $NODE_ADDRESS "*) ;;
    *)
      echo "nixfleet-k3s-prepare: $NODE_INTERFACE has ${found:-no address}, and the node's is $NODE_ADDRESS: look at networkctl status $NODE_INTERFACE; k3s is tried again" >&2
      exit 1
      ;;
  esac
fi
for server in $JOIN_THROUGH; do
  # 401 is an API server that is up and does not know us; a supervisor without one says 503.
  code=$(curl --silent --insecure --max-time 5 --output /dev/null --write-out '%{http_code}' "https://$server:6443/readyz" || true)
  case $code in
    200 | 401 | 403)
      mkdir -p "${override%/*}"
      printf 'server: https://%s:6443\n' "$server" >"$override"
      exit 0
      ;;
  esac
done
rm -f "$override"
if [ -n "$JOIN_THROUGH" ]; then
  echo "nixfleet-k3s-prepare: no API server answers of $JOIN_THROUGH: k3s waits for the one of its configuration" >&2
fi
