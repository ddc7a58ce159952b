#!/bin/sh
# What a switch would do to this host. NF_WANTED: store path of the system, which is here already. Changes nothing.

# text SYSTEM UNIT: the unit as the system has it, with what overrides it; what it restarts for is written in it
text() {
  cat "$R$1/etc/systemd/system/$2" "$R$1/etc/systemd/system/$2.d"/*.conf 2>/dev/null
}

# restarts UNIT: whether it is another one than now
restarts() {
  [ "$(text /run/current-system "$1")" != "$(text "$NF_WANTED" "$1")" ]
}

# preflight: whether the running system may become the new one; the system's own tool knows, if it has one
preflight() {
  command -v nixfleet-preflight >/dev/null 2>&1 || return 0
  nixfleet-preflight "$R$NF_WANTED"
}

main() {
  preflight
  say preflight "$?"
  # k3s requires its seed unit, so a restart of that one is a restart of k3s.
  if restarts k3s.service || restarts nixfleet-seed.service; then say k3s yes; else say k3s no; fi
  say reboot "$(due "$NF_WANTED")"
  say weigh 1
}

main </dev/null
