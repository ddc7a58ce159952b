#!/bin/sh
# Free memory before kexec: the installer must fit beside what runs now, and what is cached would be in its way.

main() {
  sync
  printf 3 >"$R/proc/sys/vm/drop_caches" || :
  say available_kib "$(sed -n 's/^MemAvailable: *\([0-9]*\).*/\1/p' "$R/proc/meminfo")"
}

main </dev/null
