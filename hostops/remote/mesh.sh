#!/bin/sh
# Peers of the mesh, on an installed host. NF_PEERS: the document. The unit is started although it watches the file: so
# that its failure is ours.

main() {
  if [ ! -e "$R/etc/nixfleet/identity" ]; then
    say mesh absent
    return
  fi
  say identity "$(tr -d '\n' <"$R/etc/nixfleet/identity")"
  if [ "$NF_PEERS" = "$(cat "$R/etc/nixfleet/mesh.json" 2>/dev/null)" ]; then
    say mesh same
    return
  fi
  printf '%s\n' "$NF_PEERS" | put /etc/nixfleet/mesh.json 0644 || exit
  systemctl restart nixfleet-mesh.service || exit
  say mesh written
}

main
