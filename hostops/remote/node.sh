#!/bin/sh
# On a server: what the cluster knows of a node. NF_HOST: the node; NF_ROLE: server.

# show JSONPATH: of the node; empty without one
show() {
  kubectl get node "$NF_HOST" --ignore-not-found -o "jsonpath=$1"
}

main() {
  say node 1
  uid=$(show '{.metadata.uid}') || exit
  say uid "$uid"
  [ -n "$uid" ] || return 0
  say ready "$(show '{.status.conditions[?(@.type=="Ready")].status}')"
  say boot "$(show '{.status.nodeInfo.bootID}')"
  say address "$(show '{.status.addresses[?(@.type=="InternalIP")].address}')"
}

main </dev/null
