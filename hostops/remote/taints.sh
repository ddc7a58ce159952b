#!/bin/sh
# On a server: give a node these taints, and take those away that were given before and are not among them. All others,
# such as Kubernetes' own of a node that is out of reach, stay as they are. NF_HOST: the node; NF_TAINTS: each as
# KEY=VALUE:EFFECT or KEY:EFFECT, by blanks; NF_ROLE: server.

# What was given is noted on the node itself, so that it is known however often the stack file has changed since.
NOTE=nixfleet/taints

# named TAINT: its key and effect, which are what tells taints apart
named() {
  printf '%s:%s' "${1%%[=:]*}" "${1##*:}"
}

# among NAME TAINTS...: whether one of them is of that key and effect
among() {
  wanted=$1
  shift
  for other in "$@"; do
    [ "$(named "$other")" != "$wanted" ] || return 0
  done
  return 1
}

main() {
  say taints 1
  found=$(kubectl get node "$NF_HOST" --ignore-not-found -o name) || exit
  [ -n "$found" ] || return 0
  given=$(kubectl get node "$NF_HOST" -o "jsonpath={.metadata.annotations.$NOTE}") || exit
  there=$(kubectl get node "$NF_HOST" -o 'jsonpath={range .spec.taints[*]}{.key}{":"}{.effect}{" "}{end}') || exit
  for taint in $given; do
    name=$(named "$taint")
    # shellcheck disable=SC2086 # words, by blanks
    if among "$name" $there && ! among "$name" $NF_TAINTS; then
      kubectl taint node "$NF_HOST" "$name-" >&2 || exit
      say "removed_$(printf '%s' "$name" | tr -c '[:alnum:]' _)" yes
    fi
  done
  for taint in $NF_TAINTS; do
    kubectl taint node "$NF_HOST" "$taint" --overwrite >&2 || exit
  done
  if [ -n "$NF_TAINTS" ]; then
    kubectl annotate node "$NF_HOST" "$NOTE=$NF_TAINTS" --overwrite >&2 || exit
  elif [ -n "$given" ]; then
    kubectl annotate node "$NF_HOST" "$NOTE-" >&2 || exit
  fi
}

main </dev/null
