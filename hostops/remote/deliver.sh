#!/bin/sh
# Write secrets of the host where they differ. NF_FILES: names; NF_<NAME>: contents, with _ for - and in capitals.

main() {
  mkdir -p "$R/etc/nixfleet/secrets" && chmod 0700 "$R/etc/nixfleet/secrets" || exit
  for name in $NF_FILES; do
    variable=NF_$(printf '%s' "$name" | tr 'a-z-' 'A-Z_')
    # printf is the shell's own: the content is in no argument list.
    eval "printf '%s' \"\$$variable\"" | put "/etc/nixfleet/secrets/$name" 0400 || exit
    say delivered "$name"
  done
}

main
