#!/bin/sh
# A user's own check. NF_COMMAND: for sh; NF_SECONDS: its limit.

main() {
  say probe 1
  timeout "$NF_SECONDS" /bin/sh -c "$NF_COMMAND" 2>&1
  say probe_status "$?"
}

main </dev/null
