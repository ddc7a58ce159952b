#!/bin/sh
# On a host that has left a cluster and is to join one, with its tokens delivered before: k3s may start again. Data of a
# member that was removed goes, as k3s itself would take it away; its unit does not start with that.
# NF_START: yes if it does so now; NF_FORM: yes if it is to form the cluster.

main() {
  if [ "$NF_FORM" = yes ]; then
    : | put /etc/nixfleet/form 0644 || exit
  fi
  data=$R/var/lib/rancher/k3s/server/db/etcd
  if [ -e "$data/tombstone" ]; then
    systemctl stop k3s.service && rm -rf "$data" || exit
  fi
  rm -f "$R/etc/nixfleet/released" "$R/run/systemd/system/k3s.service.d/90-nixfleet-leaving.conf"
  systemctl daemon-reload || exit
  if [ "$NF_START" = yes ]; then
    systemctl reset-failed k3s.service
    systemctl start --no-block k3s.service || exit
  fi
  say admitted 1
}

main
