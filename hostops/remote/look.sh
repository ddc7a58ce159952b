#!/bin/sh
# What a host is and how it does. Changes nothing. NF_HOST, NF_ROLE, NF_ADDRESS: as in the contract; NF_DEVICES: its
# disks there. Needs loader.sh.

# release NAME: a value of os-release
release() {
  # shellcheck disable=SC1091 # the host's file
  (unset ID VARIANT_ID && . "$R/etc/os-release" && eval "printf '%s' \"\${$1-}\"")
}

# armed NAME FILE: what a watchdog that lies there is for
armed() {
  [ -r "$R$2" ] || return 0
  sed -n "s/^NF_WANTED='\(.*\)'\$/$1_wanted=\1/p; s/^NF_PREVIOUS='\(.*\)'\$/$1_previous=\1/p
    s/^NF_BOOT='\(.*\)'\$/$1_boot=\1/p; s/^NF_BY='\(.*\)'\$/$1_by=\1/p" "$R$2"
}

system() {
  say current_system "$(store /run/current-system)"
  profile=$(readlink "$R/nix/var/nix/profiles/system")
  # The link is relative, as Nix makes it.
  profile=${profile##*system-}
  say generation "${profile%-link}"
  say next_system "$(boots_next)"
  say reboot_due "$(due /run/current-system)"
  say rolled_back "$(rolled_back)"
  say rolled_back_reason "$(rolled_back reason)"
  armed watchdog /run/nixfleet/rollback
  armed trial /var/lib/nixfleet/trial
  say disk_labels "$(for device in $NF_DEVICES; do lsblk -nro PARTLABEL "$device"; done | tr '\n' ' ')"
  sha256sum "$R"/etc/nixfleet/secrets/* 2>/dev/null | while read -r sum file; do
    say "secret_${file##*/}" "$sum"
  done
}

cluster() {
  if [ -d "$R/var/lib/rancher/k3s/server/db" ]; then
    say cluster_data yes
  fi
  # etcd writes it where its member was removed.
  if [ -e "$R/var/lib/rancher/k3s/server/db/etcd/tombstone" ]; then
    say removed yes
  fi
  # k3s writes it when the cluster has let the node in, and not before.
  if [ -e "$R/var/lib/rancher/k3s/agent/kubelet.kubeconfig" ]; then
    say joined yes
  fi
  # Which cluster it is: k3s brings certificates of its authorities to every node. The one for clients is made by k3s
  # with each cluster; the one for servers is the stack's, so that two clusters may have it one after the other.
  say cluster_ca "$(sha256sum 2>/dev/null <"$R/var/lib/rancher/k3s/agent/client-ca.crt" | cut -d ' ' -f 1)"
  say server_ca "$(sha256sum 2>/dev/null <"$R/var/lib/rancher/k3s/agent/server-ca.crt" | cut -d ' ' -f 1)"
  if [ -e "$R/etc/nixfleet/released" ]; then
    say released yes
  fi
  # shellcheck disable=SC2046 # one word per unit
  set -- $(systemctl is-active k3s.service nixfleet-rollback.timer)
  say k3s "${1-unknown}"
  say watchdog "${2-unknown}"
  [ "${1-}" = active ] || return 0
  if ip -o address show to "$NF_ADDRESS" | grep -q .; then say address up; fi
  node=$(kubectl get node "$NF_HOST" -o \
    'jsonpath={.status.conditions[?(@.type=="Ready")].status} {.status.nodeInfo.kubeletVersion} {.status.addresses[?(@.type=="InternalIP")].address} cordoned={.metadata.annotations.nixfleet/cordoned}' 2>&1 | tail -n 1)
  say node "${node%% cordoned=*}"
  case $node in *" cordoned=yes") say cordoned yes ;; esac
  [ "$NF_ROLE" = server ] || return 0
  say etcd "$(kubectl get --raw /readyz/etcd 2>&1 | tail -n 1)"
}

main() {
  say look 1
  say os_id "$(release ID)"
  say variant_id "$(release VARIANT_ID)"
  say boot_id "$(first /proc/sys/kernel/random/boot_id)"
  say claim "$(first /run/nixfleet/claim)"
  say claimed "$(first /run/nixfleet/claimed)"
  say sealed "$(first /run/nixfleet/sealed)"
  say installs "$(first /run/nixfleet/installs)"
  [ -e "$R/etc/nixfleet/identity" ] || return 0
  say identity "$(tr -d '\n' <"$R/etc/nixfleet/identity")"
  # What the installation knew of earlier ones, on this disk or on those before it.
  say earlier_installs "$(first /etc/nixfleet/installs)"
  for folder in /efi /boot/efi /boot; do
    if [ -r "$R$folder/nixfleet-installs" ]; then
      say boot_installs "$(first "$folder/nixfleet-installs")"
      break
    fi
  done
  system
  cluster
}

main </dev/null
