#!/bin/sh
# On a server, for a host that has left the cluster or was formatted: let Longhorn forget its node, or the disk that it
# had, with the replicas there. NF_HOST: the node; NF_FORMATTED: yes if its old disk is known to be gone; NF_SECONDS:
# limit; NF_ROLE: server.

longhorn() {
  kubectl -n longhorn-system "$@"
}

change() {
  longhorn patch nodes.longhorn.io "$NF_HOST" --type=merge -p "$1" >&2
}

# drop FIELD VALUE: replicas of which that field of the specification has that value
drop() {
  list=$(longhorn get replicas.longhorn.io -o "jsonpath={range .items[*]}{.spec.$1}|{.metadata.name}{\"\\n\"}{end}") || return
  while IFS='|' read -r value replica; do
    if [ "$value" = "$2" ]; then
      longhorn delete replicas.longhorn.io "$replica" --ignore-not-found --wait=false >&2 </dev/null || return
      say "dropped_$replica" yes
    fi
  done <<END
$list
END
}

# look_up: Longhorn's node, and whether its manager runs there
look_up() {
  node=$(longhorn get nodes.longhorn.io "$NF_HOST" --ignore-not-found -o name) || return
  [ -n "$node" ] || return 0
  ready=$(longhorn get nodes.longhorn.io "$NF_HOST" -o 'jsonpath={.status.conditions[?(@.type=="Ready")].status}')
}

forget_node() {
  change '{"spec":{"allowScheduling":false,"evictionRequested":false}}' &&
    drop nodeID "$NF_HOST" &&
    longhorn delete nodes.longhorn.io "$NF_HOST" --ignore-not-found --wait=false >&2
}

# forget_disks: those whose file system is another one now; a default disk is made anew once there is none
forget_disks() {
  disks=$(longhorn get nodes.longhorn.io "$NF_HOST" -o \
    'jsonpath={range .status.diskStatus.*}{.diskName}|{.diskUUID}|{.conditions[?(@.type=="Ready")].reason}{"\n"}{end}') || return
  while IFS='|' read -r disk id reason; do
    if [ "$reason" = DiskFilesystemChanged ]; then
      change '{"spec":{"disks":{"'"$disk"'":{"allowScheduling":false,"evictionRequested":false}}}}' </dev/null &&
        drop diskID "$id" &&
        change '{"spec":{"disks":{"'"$disk"'":null}}}' </dev/null || return
      say forgot_disk "$disk"
    fi
  done <<END
$disks
END
}

main() {
  say forget_storage 1
  known=$(kubectl get crd nodes.longhorn.io --ignore-not-found -o name) || exit
  [ -n "$known" ] || return 0
  look_up || exit
  [ -n "$node" ] || return 0
  if [ "$ready" = True ] && [ "$NF_FORMATTED" = yes ]; then
    forget_disks || exit
    return
  fi
  end=$(($(date +%s) + NF_SECONDS))
  # Its controllers need a moment to see that the host has gone. Nothing is dropped while they see it.
  until [ "$ready" != True ] && forget_node && look_up && [ -z "$node" ]; do
    [ "$(date +%s)" -lt "$end" ] || {
      say stuck "$ready"
      return
    }
    sleep 1
    look_up || exit
    [ -n "$node" ] || break
  done
  say forgot_node yes
}

main </dev/null
