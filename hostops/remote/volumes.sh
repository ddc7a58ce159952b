#!/bin/sh
# On a server: what Longhorn knows of nodes, volumes and replicas, one line each. NF_ROLE: server.

main() {
  say volumes 1
  known=$(kubectl get crd volumes.longhorn.io --ignore-not-found -o name) || exit
  if [ -z "$known" ]; then
    say longhorn no
    return
  fi
  say longhorn yes
  kubectl -n longhorn-system get nodes.longhorn.io -o \
    'jsonpath={range .items[*]}node_{.metadata.name}={.status.conditions[?(@.type=="Ready")].status}{"\n"}{end}' || exit
  kubectl -n longhorn-system get volumes.longhorn.io -o \
    'jsonpath={range .items[*]}volume_{.metadata.name}={.spec.numberOfReplicas}|{.status.state}|{.status.robustness}{"\n"}{end}' || exit
  kubectl -n longhorn-system get replicas.longhorn.io -o \
    'jsonpath={range .items[*]}replica_{.metadata.name}={.spec.volumeName}|{.spec.nodeID}|{.spec.healthyAt}|{.spec.failedAt}|{.spec.lastHealthyAt}{"\n"}{end}'
}

main </dev/null
