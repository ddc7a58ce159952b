#!/bin/sh
# Bring etcd back from a snapshot, step by step. NF_ACT: stop, on every server; reset, on the one that begins, then
# ended; start there; join, on each of the others; done. NF_SNAPSHOT: the snapshot's name; NF_BUCKET: further lines of the
# configuration, with the bucket's credential, or nothing for one on this disk; NF_SERVER: URL of the one that began.

data=/var/lib/rancher/k3s/server/db
config=/run/nixfleet/restore.yaml
override=/etc/rancher/k3s/config.yaml.d/91-restore.yaml

stop() {
  systemctl stop k3s.service || exit
  say k3s "$(systemctl is-active k3s.service)"
}

# clear_unit: a failed one of an earlier run
clear_unit() {
  systemctl stop nixfleet-restore.service 2>/dev/null
  systemctl reset-failed nixfleet-restore.service 2>/dev/null
  :
}

reset() {
  from=$NF_SNAPSHOT
  if [ -z "$NF_BUCKET" ]; then
    from=$data/snapshots/$NF_SNAPSHOT
    [ -f "$R$from" ] || {
      say absent "$from"
      return 0
    }
  fi
  clear_unit
  # k3s refuses a reset while its configuration names another server to join, and asks the bucket's secret of an API
  # that is not there: both are left out, and the bucket is named in full. Secrets are in a file and in no argument.
  {
    sed -e '/^server:/d' -e '/^cluster-init:/d' -e '/^etcd-s3/d' "$R/etc/rancher/k3s/config.yaml"
    printf '%s\n' "$NF_BUCKET"
  } | put "$config" 0600 || exit
  # It refuses a second one after the first, which a run that was killed may have done.
  rm -f "$R$data/reset-flag"
  systemd-run --quiet --unit=nixfleet-restore --no-block --service-type=oneshot --remain-after-exit \
    k3s server --config "$config" --cluster-reset "--cluster-reset-restore-path=$from" || exit
  say resetting "$NF_SNAPSHOT"
}

# ended: waits here for the end of the reset, and not at the far end of the line
ended() {
  left=$NF_SECONDS
  now=$(systemctl show nixfleet-restore.service --property=ActiveState --property=ExecMainStatus)
  while [ "$left" -gt 0 ]; do
    case $now in
      *ActiveState=activating*) ;;
      *) break ;;
    esac
    sleep 1
    left=$((left - 1))
    now=$(systemctl show nixfleet-restore.service --property=ActiveState --property=ExecMainStatus)
  done
  printf '%s\n' "$now"
  case $now in
    *ActiveState=activating*) return 0 ;;
  esac
  rm -f "$R$config"
  say said "$(journalctl -u nixfleet-restore.service -n 3 | tail -n 3 | tr '\n' ' ')"
}

start() {
  clear_unit
  rm -f "$R$override" "$R$config"
  systemctl start --no-block k3s.service && say started yes
}

# join: its old data goes aside, its snapshots stay; it joins the one that began, wherever the cluster's address leads
join() {
  systemctl stop k3s.service || exit
  if [ -d "$R$data/etcd" ]; then
    rm -rf "$R$data/etcd-before-restore" && mv "$R$data/etcd" "$R$data/etcd-before-restore" || exit
  fi
  printf 'cluster-init: false\nserver: %s\n' "$NF_SERVER" | put "$override" 0600 || exit
  systemctl start --no-block k3s.service && say started yes
}

# done_here: k3s reads the override at its start only, and the next start goes by the data
done_here() {
  rm -f "$R$override"
  say finished yes
}

main() {
  say restore 1
  "$NF_ACT"
}

main </dev/null
