# shellcheck shell=bash
# Before k3s starts on the seed: if it has no data and another server answers, join that one.
# Environment: SEED_DATA SEED_PEERS
root=${NIXFLEET_ROOT:-}
override=$root/etc/rancher/k3s/config.yaml.d/90-rejoin.yaml
if [ -d "$root$SEED_DATA" ]; then
  exit 0 # k3s goes by its data and ignores both flags
fi
rm -f "$override"
for peer in $SEED_PEERS; do
  # Any answer, 401 as well, is a server that lives.
  code=$(curl --silent --insecure --max-time 10 --output /dev/null --write-out '%{http_code}' "https://$peer:6443/ping" || true)
  if [ "$code" != 000 ]; then
    mkdir -p "${override%/*}"
    printf 'cluster-init: false\nserver: https://%s:6443\n' "$peer" >"$override"
    echo "nixfleet-seed: $peer answers: joining its cluster" >&2
    exit 0
  fi
done
echo "nixfleet-seed: none of the other servers (${SEED_PEERS:-none}) answers: forming the cluster" >&2
