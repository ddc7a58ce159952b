#!/usr/bin/env bash
# Simulated sudo without a password: commands see root from here on.
while [[ ${1-} == -* ]]; do
  case $1 in
    -n | -E | -H) shift ;;
    -u)
      [[ ${2-} == root ]] || {
        printf 'sudo: only root is simulated, not %s\n' "${2-}" >&2
        exit 1
      }
      shift 2
      ;;
    --)
      shift
      break
      ;;
    *)
      printf 'sudo: option %s is not simulated\n' "$1" >&2
      exit 1
      ;;
  esac
done
exec env SIM_USER=root USER=root LOGNAME=root HOME="$NIXFLEET_ROOT/root" "$@"
