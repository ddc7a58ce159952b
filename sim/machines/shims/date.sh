#!/usr/bin/env bash
# Simulated date: by the machine's own clock, which may be wrong.
PATH=${PATH#*:}
clock=$NIXFLEET_ROOT/proc/clock
[[ -r $clock ]] || exec date "$@"
IFS= read -r ahead <"$clock"
printf -v now '%(%s)T' -1
exec date -d "@$((now + ahead))" "$@"
