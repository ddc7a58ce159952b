#!/usr/bin/env bash
# Simulated chown, chgrp, sync: whoever runs the simulator owns all its files.
if [[ ${0##*/} != sync && $SIM_USER != root ]]; then
  printf '%s: Operation not permitted\n' "${0##*/}" >&2
  exit 1
fi
