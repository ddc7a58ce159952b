#!/usr/bin/env bash
# readlink and realpath as if the machine's root folder were the root.
name=${0##*/}
PATH=${PATH#*:}
output=$("$name" "$@") || exit
printf '%s\n' "${output#"$NIXFLEET_ROOT"}"
