#!/bin/sh
# On a server: every node of the cluster, whether it is Ready, since when it is so, and the version of its kubelet; and
# what time it is there.
# NF_ROLE: server.

main() {
  say nodes 1
  say now "$(date -u +%FT%TZ)"
  kubectl get nodes -o \
    'jsonpath={range .items[*]}node_{.metadata.name}={.status.conditions[?(@.type=="Ready")].status} {.status.conditions[?(@.type=="Ready")].lastTransitionTime} {.status.nodeInfo.kubeletVersion}{"\n"}{end}'
}

main </dev/null
