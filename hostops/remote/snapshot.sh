#!/bin/sh
# Snapshots of etcd on this server. NF_ACT: save, list, or forget; NF_BEGIN: how the new one's name begins, or which to
# forget. Those
# on the disk are listed also while k3s is down: as `local`, name, bytes, seconds since 1970. Those in the bucket, which
# only a running server knows: as `bucket` and name.

folder=/var/lib/rancher/k3s/server/db/snapshots

# newest: the latest whose name begins so
newest() {
  found=
  for path in "$R$folder/$NF_BEGIN"*; do
    [ -f "$path" ] || continue
    if [ -z "$found" ] || [ "$path" -nt "$found" ]; then
      found=$path
    fi
  done
  printf '%s' "${found##*/}"
}

save() {
  # The flags of a server's configuration hold here too: compression, and the bucket where there is one.
  k3s etcd-snapshot save --name "$NF_BEGIN" >&2 || exit
  say saved "$(newest)"
  list
}

forget() {
  # shellcheck disable=SC2086 # one word per snapshot
  k3s etcd-snapshot delete $NF_BEGIN >&2
}

list() {
  for path in "$R$folder"/*; do
    [ -f "$path" ] || continue
    printf 'local %s %s\n' "${path##*/}" "$(stat -c '%s %Y' "$path")"
  done
  [ "$(systemctl is-active k3s.service)" = active ] || return 0
  k3s etcd-snapshot list | while read -r name location _; do
    case $location in
      s3://*) printf 'bucket %s\n' "$name" ;;
    esac
  done
}

main() {
  say snapshot 1
  "$NF_ACT"
}

main </dev/null
