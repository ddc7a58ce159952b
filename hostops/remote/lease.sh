#!/bin/sh
# The lease on this host: who works on it, and until when by the clock since boot, which nobody sets. NF_ACT: take, also
# to renew, or drop; NF_HOLDER: the run; NF_PLACE: the operator's machine; NF_ALONE: yes if no other run of that machine
# can work here; NF_SECONDS: how long it lasts; NF_WHO: for people.

# field NAME: of the lease that is there
field() {
  sed -n "s/^$1=//p" "$R/run/nixfleet/lease" 2>/dev/null
}

# free: whether this run may have it
free() {
  [ -e "$R/run/nixfleet/lease" ] || return 0
  [ "$(field holder)" != "$NF_HOLDER" ] || return 0
  was=$(field who)
  [ "$NF_ALONE $(field place)" != "yes $NF_PLACE" ] || return 0
  ends=$(field until)
  [ "${ends:-0}" -gt "$now" ] || return 0
  # It was made in another boot.
  [ "$(field renewed)" -gt "$now" ]
}

take() {
  was=
  if ! free; then
    say by "$(field who)"
    say age "$((now - $(field taken)))"
    say heard "$((now - $(field renewed)))"
    say left "$((ends - now))"
    say lease held
    return
  fi
  taken=$now
  [ "$(field holder)" != "$NF_HOLDER" ] || taken=$(field taken)
  {
    say holder "$NF_HOLDER"
    say place "$NF_PLACE"
    say who "$NF_WHO"
    say taken "$taken"
    say renewed "$now"
    say until "$((now + NF_SECONDS))"
  } >"$R/run/nixfleet/lease.draft" && mv -f "$R/run/nixfleet/lease.draft" "$R/run/nixfleet/lease" || exit
  say was "$was"
  say lease taken
}

drop() {
  if [ "$(field holder)" = "$NF_HOLDER" ]; then
    rm -f "$R/run/nixfleet/lease"
  fi
  say lease dropped
}

main() {
  mkdir -p "$R/run/nixfleet" || exit
  # Two that ask at once: one after the other.
  exec 9>"$R/run/nixfleet/lease.lock" || exit
  flock -w 10 9 || exit
  now=$(first /proc/uptime)
  now=${now%%.*}
  say boot_id "$(first /proc/sys/kernel/random/boot_id)"
  "$NF_ACT"
}

main </dev/null
