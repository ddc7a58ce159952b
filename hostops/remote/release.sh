#!/bin/sh
# On a host that leaves its cluster: k3s and its pods end, and everything by which it could come back goes: tokens, the
# node's password, credentials, a server's data with the cluster's keys. Files of pods and volumes stay as they are.
# NF_DISABLE: yes if k3s must not start again until a system for it comes.

main() {
  state=$R/var/lib/rancher/k3s
  if [ "$NF_DISABLE" = yes ]; then
    printf '%s\n' "$(date -u +%FT%TZ)" | put /etc/nixfleet/released 0644 || exit
  fi
  systemctl stop k3s.service || exit
  # Containers outlive the service (KillMode=process); k3s' own script ends them and takes their mounts away.
  if command -v k3s-killall.sh >/dev/null 2>&1; then
    k3s-killall.sh >&2 || exit
  fi
  rm -rf "$state/server" "$R/etc/rancher/k3s/config.yaml.d/90-rejoin.yaml" "$R/etc/rancher/k3s/k3s.yaml" \
    "$R/etc/rancher/node/password" "$R/etc/nixfleet/form" \
    "$R/etc/nixfleet/secrets/server-token" "$R/etc/nixfleet/secrets/agent-token" \
    "$R/etc/nixfleet/secrets/server-ca" "$R/etc/nixfleet/secrets/server-ca-key" || exit
  rm -f "$state"/agent/*.kubeconfig "$state"/agent/*.crt "$state"/agent/*.key "$state"/agent/etc/*.json || exit
  rm -f "$R/run/systemd/system/k3s.service.d/90-nixfleet-leaving.conf"
  systemctl daemon-reload && say released 1
}

main
