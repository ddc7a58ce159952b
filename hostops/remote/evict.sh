#!/bin/sh
# On a server: let Longhorn move every replica off a node, or undo that. A mark says that it was us who closed the node.
# NF_HOST: the node; NF_SECONDS: how long to wait this time, empty: undo; NF_ROLE: server.

longhorn() {
  kubectl -n longhorn-system "$@"
}

# here: volumes with a replica on the node
here() {
  list=$(longhorn get replicas.longhorn.io -o 'jsonpath={range .items[*]}{.spec.nodeID}|{.spec.volumeName}{"\n"}{end}') || return
  left=
  while IFS='|' read -r node volume; do
    [ "$node" != "$NF_HOST" ] || left="$left $volume"
  done <<END
$list
END
}

# mark: what was noted on Longhorn's node; fails without an answer
mark() {
  longhorn get nodes.longhorn.io "$NF_HOST" -o 'jsonpath={.metadata.annotations.nixfleet/evicting}'
}

undo() {
  noted=$(mark) || return
  [ -n "$noted" ] || return 0
  longhorn patch nodes.longhorn.io "$NF_HOST" --type=merge -p \
    '{"metadata":{"annotations":{"nixfleet/evicting":null}},"spec":{"allowScheduling":true,"evictionRequested":false}}' >&2 &&
    say undone yes
}

evict() {
  state=$(longhorn get nodes.longhorn.io "$NF_HOST" -o \
    'jsonpath={.spec.allowScheduling}|{.spec.evictionRequested}|{.status.conditions[?(@.type=="Ready")].status}') || return
  case $state in
    *'|True') ;;
    *)
      # Longhorn evicts nothing from a node that is down.
      here && say down yes && say left "$left"
      return
      ;;
  esac
  case $state in
    'true|'*)
      longhorn patch nodes.longhorn.io "$NF_HOST" --type=merge -p \
        '{"metadata":{"annotations":{"nixfleet/evicting":"yes"}},"spec":{"allowScheduling":false,"evictionRequested":true}}' >&2 || return
      ;;
    'false|false|'*)
      longhorn patch nodes.longhorn.io "$NF_HOST" --type=merge -p '{"spec":{"evictionRequested":true}}' >&2 || return
      ;;
  esac
  end=$(($(date +%s) + NF_SECONDS))
  while here && [ -n "$left" ] && [ "$(date +%s)" -lt "$end" ]; do
    sleep 1
  done
  say left "$left"
}

main() {
  say evict 1
  known=$(kubectl get crd nodes.longhorn.io --ignore-not-found -o name) || exit
  [ -n "$known" ] || return 0
  node=$(longhorn get nodes.longhorn.io "$NF_HOST" --ignore-not-found -o name) || exit
  [ -n "$node" ] || return 0
  say node yes
  if [ -n "$NF_SECONDS" ]; then evict; else undo; fi
}

main </dev/null
