#!/usr/bin/env bash
# Simulated chown, chgrp: whoever runs the simulator owns all its files.
if [[ $SIM_USER != root ]]; then
  printf '%s: Operation not permitted\n' "${0##*/}" >&2
  exit 1
fi
