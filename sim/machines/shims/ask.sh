#!/usr/bin/env bash
# A simulated command: the daemon knows the answer. Nothing is forked, because a hundred hosts run this thousands of times.
exec 9<>"/dev/tcp/127.0.0.1/${SIM_PORT:?this command belongs to a simulated machine}" || exit 255
{
  printf '%s\n' "$(($# + 4))"
  printf '%s\0' "$SIM_TOKEN" "$SIM_USER" "$PWD" "$0" "$@"
} >&9
IFS= read -r -d '' answer <&9 || {
  printf '%s: the simulated machine went down\n' "${0##*/}" >&2
  exit 255
}
exec 9<&-
eval "$answer"
