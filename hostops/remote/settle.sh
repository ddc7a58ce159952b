#!/bin/sh
# On a server: forget what a Helm that was killed half way left pending, so that the next one goes on. The release itself
# and what it made stay: Helm takes over what carries its name. NF_NAMESPACE, NF_RELEASE; NF_ROLE: server.

main() {
  say settle 1
  for status in pending-install pending-upgrade pending-rollback; do
    found=$(kubectl -n "$NF_NAMESPACE" get secret -l "owner=helm,name=$NF_RELEASE,status=$status" -o name) || exit
    for one in $found; do
      kubectl -n "$NF_NAMESPACE" delete secret "${one#secret/}" --ignore-not-found >&2 || exit
      say "forgot_${one##*.}" "$status"
    done
  done
}

main </dev/null
