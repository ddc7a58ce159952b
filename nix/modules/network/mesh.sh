# shellcheck shell=bash
# Bring the mesh interface to what the peers file says; peers that it does not name are removed.
# Environment: MESH_INTERFACE MESH_KEY MESH_PEERS MESH_PORT
if [ ! -s "$MESH_KEY" ]; then
  echo "nixfleet-mesh: $MESH_KEY is missing or empty: run the switch of this host again, it brings the key" >&2
  exit 1
fi
ip link show dev "$MESH_INTERFACE" >/dev/null 2>&1 || ip link add dev "$MESH_INTERFACE" type wireguard
wg set "$MESH_INTERFACE" listen-port "$MESH_PORT" private-key "$MESH_KEY"
ip link set dev "$MESH_INTERFACE" up
if [ ! -e "$MESH_PEERS" ]; then
  echo "nixfleet-mesh: no peers yet ($MESH_PEERS is not there)" >&2
  exit 0
fi

# The whole file is read before anything is changed: a broken file leaves the mesh as it is.
wanted=$(jq -er '.peers | to_entries[] | [.value.publicKey, .value.address, .value.endpoint // "-"] | @tsv' "$MESH_PEERS" ||
  { jq -e '.peers == {}' "$MESH_PEERS" >/dev/null && echo ""; })
for key in $(wg show "$MESH_INTERFACE" peers); do
  grep -qF "$key" <<<"$wanted" || wg set "$MESH_INTERFACE" peer "$key" remove
done
while IFS=$'\t' read -r key address endpoint; do
  [ -n "$key" ] || continue
  if [ "$endpoint" = - ]; then
    wg set "$MESH_INTERFACE" peer "$key" allowed-ips "$address/32"
  else
    # A host behind NAT keeps its own way in open.
    wg set "$MESH_INTERFACE" peer "$key" allowed-ips "$address/32" endpoint "$endpoint" persistent-keepalive 25
  fi
done <<<"$wanted"
