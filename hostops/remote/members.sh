#!/bin/sh
# Members of etcd as the cluster's API tells: name and whether the node is Ready. NF_ROLE: server.

main() {
  say members 1
  kubectl get nodes --selector=node-role.kubernetes.io/etcd=true -o \
    'jsonpath={range .items[*]}member_{.metadata.name}={.status.conditions[?(@.type=="Ready")].status}{"\n"}{end}'
}

main </dev/null
