# shellcheck shell=bash
# Around each start of k3s on the seed. Without data it joins the cluster of another server that answers. It forms one
# only where its installation asked for that, by a mark that is gone as soon as there is a cluster.
# The cluster that it forms has the stack's authority, where the stack has one: tokens name it, and who joins checks it.
# $1: before or after the start. Environment: SEED_DATA, SEED_PEERS, SEED_SECONDS for the others to answer.
root=${NIXFLEET_ROOT:-}
mark=$root/etc/nixfleet/form
override=$root/etc/rancher/k3s/config.yaml.d/90-rejoin.yaml

# answering: the first other server that lives; any answer will do, 401 as well
answering() {
  for peer in $SEED_PEERS; do
    code=$(curl --silent --insecure --connect-timeout 3 --max-time 10 --output /dev/null --write-out '%{http_code}' \
      "https://$peer:6443/ping" || true)
    if [ "$code" != 000 ]; then
      printf '%s' "$peer"
      return
    fi
  done
  return 1
}

# bring_authority: where k3s looks for one before it makes its own
bring_authority() {
  secrets=$root/etc/nixfleet/secrets tls=$root${SEED_DATA%/db/etcd}/tls
  if [ -s "$secrets/server-ca" ] && [ -s "$secrets/server-ca-key" ]; then
    mkdir -p "$tls"
    install -m 0600 "$secrets/server-ca-key" "$tls/server-ca.key"
    install -m 0644 "$secrets/server-ca" "$tls/server-ca.crt"
  fi
}

# has_data: of a cluster that this server is in; etcd leaves a tombstone in the data of a member that was removed
has_data() {
  [ -d "$root$SEED_DATA" ] && [ ! -e "$root$SEED_DATA/tombstone" ]
}

if [ "$1" = after ] || has_data; then
  rm -f "$mark"
  exit 0 # k3s goes by its data and ignores both flags
fi
rm -f "$override"
end=$((SECONDS + SEED_SECONDS))
while true; do
  if peer=$(answering); then
    mkdir -p "${override%/*}"
    printf 'cluster-init: false\nserver: https://%s:6443\n' "$peer" >"$override"
    rm -f "$mark"
    echo "nixfleet-seed: $peer answers: joining its cluster" >&2
    exit 0
  fi
  if [ -e "$mark" ] && [ ! -e "$root$SEED_DATA" ]; then
    bring_authority
    echo "nixfleet-seed: none of the other servers (${SEED_PEERS:-none}) answers, and $mark is there:" \
      "forming the cluster" >&2
    exit 0
  fi
  [ "$SECONDS" -lt "$end" ] || break
  sleep 5
done
echo "nixfleet-seed: none of the other servers (${SEED_PEERS:-none}) answers within $SEED_SECONDS s, and there is no" \
  "$mark: not started, as this could be a second cluster; see that the others run, or if there is no cluster any" \
  "more: touch $mark" >&2
exit 1
