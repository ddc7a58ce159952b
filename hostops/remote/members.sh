#!/bin/sh
# Members of etcd as the cluster's API tells, one line per node that is or was one: whether the node is Ready, and what
# k3s' condition EtcdIsVoter says of it (k3s, pkg/etcd: MemberNotLearner, MemberIsLearner, Unhealthy, NotAMember).
# NF_ROLE: server.

main() {
  say members 1
  kubectl get nodes --selector=node-role.kubernetes.io/etcd=true -o \
    'jsonpath={range .items[*]}member_{.metadata.name}={.status.conditions[?(@.type=="Ready")].status} {.status.conditions[?(@.type=="EtcdIsVoter")].reason}{"\n"}{end}'
}

main </dev/null
