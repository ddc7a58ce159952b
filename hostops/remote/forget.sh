#!/bin/sh
# On a server, for a host that leaves or is installed anew: let the cluster forget its member of etcd, its node, and the
# password by which it would refuse the new one. Changes nothing while the node is Ready, or where it is the new one.
# NF_HOST: the node; NF_BOOT: boot id of its host now; NF_STOPPED: yes if k3s of that boot was stopped for good; NF_ONLY:
# member for that one alone, of a host that lives; NF_BAR: yes for a host that could not be released and still has its
# tokens; NF_ROLE: server; NF_QUIET, NF_REMOVAL: seconds for the node to be seen as gone, and for its removal.

# show JSONPATH: of the node; empty without one
show() {
  kubectl get node "$NF_HOST" --ignore-not-found -o "jsonpath=$1"
}

# within SECONDS COMMAND...: try it until it succeeds
within() {
  end=$(($(date +%s) + $1))
  shift
  until "$@"; do
    [ "$(date +%s)" -lt "$end" ] || return 1
    sleep 1
  done
}

quiet() {
  ready=$(show '{.status.conditions[?(@.type=="Ready")].status}') && [ "$ready" != True ]
}

# removed: a member that joined again under the name has a name of its own again
removed() {
  [ -n "$(show '{.metadata.annotations.etcd\.k3s\.cattle\.io/removed-node-name}')" ] &&
    [ -z "$(show '{.metadata.annotations.etcd\.k3s\.cattle\.io/node-name}')" ]
}

# gone: a host that waits for it may have made a new node under the name at once
gone() {
  now=$(show '{.metadata.uid}') && [ "$now" != "$uid" ]
}

# member: the one of etcd; answers with `stuck` if it stays
member() {
  etcd=$(show '{.metadata.labels.node-role\.kubernetes\.io/etcd}') || return
  [ "$etcd" = true ] || return 0
  if removed; then
    return 0
  fi
  kubectl annotate node "$NF_HOST" etcd.k3s.cattle.io/remove=true --overwrite >&2 || return
  within "$NF_REMOVAL" removed || {
    say stuck member
    return
  }
  say forgot_member yes
}

# leave: its member first, as a member without a node keeps the name taken
leave() {
  found=$(member) || return
  [ -z "$found" ] || printf '%s\n' "$found"
  [ "$found" != 'stuck=member' ] || return 0
  # Its finalizers may take longer than one request may.
  kubectl delete node "$NF_HOST" --ignore-not-found --wait=false >&2 || return
  within "$NF_REMOVAL" gone || {
    say stuck node
    return 0
  }
  say forgot_node yes
}

main() {
  say forget 1
  uid=$(show '{.metadata.uid}') || exit
  if [ "${NF_ONLY-}" = member ]; then
    [ -z "$uid" ] || member
    exit
  fi
  if [ -n "$uid" ]; then
    boot=$(show '{.status.nodeInfo.bootID}') || exit
    if [ -n "$boot" ] && [ "$boot" = "$NF_BOOT" ]; then
      if [ "${NF_STOPPED-}" != yes ]; then
        say is_new yes
        return
      fi
    elif ! within "$NF_QUIET" quiet; then
      [ "$ready" = True ] || exit 1
      say ready_at "$(show '{.status.addresses[?(@.type=="InternalIP")].address}')"
      return
    fi
    leave || exit
  fi
  password=$NF_HOST.node-password.k3s
  kubectl -n kube-system delete secret "$password" --ignore-not-found >&2 || exit
  [ "${NF_BAR-}" = yes ] || return 0
  # k3s lets a node in only with the password that it came with first, whose hash is in this secret: none fits this one.
  kubectl -n kube-system create secret generic "$password" --from-literal=hash=released >&2 && say barred yes
}

main </dev/null
