#!/bin/sh
# On a server: cordon a node and drain it, or undo that. A mark on the node says that the cordon is ours, so one that
# its owner set stays; mark and cordon come and go in one request, so a run that is killed leaves no doubt.
# NF_HOST: the node; NF_SECONDS: limit of the drain, empty: undo, `mark`: cordon only,
# `who`: only tell which nodes have our mark; NF_ROLE: server.

# uncordon: if it was us
uncordon() {
  mark=$(kubectl get node "$NF_HOST" --ignore-not-found -o 'jsonpath={.metadata.annotations.nixfleet/cordoned}') || return
  if [ -n "$mark" ]; then
    kubectl patch node "$NF_HOST" --type=merge -p \
      '{"metadata":{"annotations":{"nixfleet/cordoned":null}},"spec":{"unschedulable":null}}' >&2 || return
    say uncordoned yes
    return
  fi
  off=$(kubectl get node "$NF_HOST" --ignore-not-found -o 'jsonpath={.spec.unschedulable}') || return
  [ "$off" != true ] || say owner yes
}

# survey: how the node is, and how many others could take its pods
survey() {
  nodes=$(kubectl get nodes -o 'jsonpath={range .items[*]}{.metadata.name}|{.spec.unschedulable}|{.metadata.annotations.nixfleet/cordoned}|{.status.conditions[?(@.type=="Ready")].status}{"\n"}{end}') || return
  others=0 found='' off='' mark='' ready='' marked=''
  while IFS='|' read -r name this_off this_mark this_ready; do
    [ -z "$this_mark" ] || marked="$marked $name"
    if [ "$name" = "$NF_HOST" ]; then
      found=yes off=$this_off mark=$this_mark ready=$this_ready
    elif [ "$this_ready" = True ] && [ "$this_off" != true ]; then
      others=$((others + 1))
    fi
  done <<END
$nodes
END
}

drain() {
  survey || return
  if [ -z "$found" ]; then
    say absent yes
  elif [ "$others" = 0 ]; then
    say alone yes
  else
    if [ "$off" != true ]; then
      kubectl patch node "$NF_HOST" --type=merge -p \
        '{"metadata":{"annotations":{"nixfleet/cordoned":"yes"}},"spec":{"unschedulable":true}}' >&2 || return
    elif [ -z "$mark" ]; then
      say owner yes
    fi
    if [ "$ready" != True ]; then
      # Nobody is there who could end a pod; the eviction would wait until its limit.
      say down yes
    elif [ "$NF_SECONDS" = mark ]; then
      say cordoned yes
    elif kubectl drain "$NF_HOST" --ignore-daemonsets --delete-emptydir-data --timeout="${NF_SECONDS}s" >&2; then
      say drained yes
    else
      say stuck yes
      uncordon
    fi
  fi
}

main() {
  say drain 1
  case $NF_SECONDS in
    '') uncordon ;;
    who) survey && say marked "$marked" ;;
    *) drain ;;
  esac
}

main </dev/null
