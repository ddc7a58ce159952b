#!/usr/bin/env bash
# Simulated id, whoami: the account of the simulated machine, not of whoever runs the simulator.
number=1000
[[ $SIM_USER == root ]] && number=0
case "${0##*/} ${1-}" in
  "id -u" | "id -g") printf '%s\n' "$number" ;;
  "id -un" | "whoami ") printf '%s\n' "$SIM_USER" ;;
  *) printf 'uid=%s(%s) gid=%s(%s)\n' "$number" "$SIM_USER" "$number" "$SIM_USER" ;;
esac
