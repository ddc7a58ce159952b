#!/bin/sh
# What every script here begins with. Scripts come over stdin with their values as NF_... assignments before them; each
# does its work in main, called by its last line, so that a connection that is lost half way runs nothing.
# They answer in lines of name=value: no host needs a JSON tool.
set -u
umask 022

# Absolute paths are below this folder: empty on every real host.
R=${NIXFLEET_ROOT:-}
PATH=$PATH:/run/current-system/sw/bin:/usr/sbin:/usr/bin:/sbin:/bin
export PATH

# say NAME VALUE
say() {
  printf '%s=%s\n' "$1" "$2"
}

# first FILE: its first line, nothing without the file
first() {
  line=
  if [ -r "$R$1" ]; then
    IFS= read -r line <"$R$1" || :
  fi
  printf '%s' "$line"
}

# store LINK: where it leads in the end, as the host names that
store() {
  path=$(readlink -f "$R$1") || path=
  printf '%s' "${path#"$R"}"
}

# put FILE MODE: stdin becomes the file at once or not at all
put() {
  mkdir -p "$R${1%/*}" &&
    (umask 077 && cat >"$R$1.draft") &&
    chmod "$2" "$R$1.draft" &&
    sync "$R$1.draft" &&
    mv -f "$R$1.draft" "$R$1"
}

# rolled_back [FIELD]: store path of the system that the host left by itself and nobody has reported yet, or its `reason`
rolled_back() {
  sed -n "s/.*\"${1-refused}\": \"\([^\"]*\)\".*/\1/p" "$R/var/lib/nixfleet/rolled-back.json" 2>/dev/null
}

# kubectl ...: as the server's admin, or as the agent's own kubelet, which may read its own node
kubectl() {
  if [ "$NF_ROLE" = server ]; then
    k3s kubectl --request-timeout=10s "$@"
  else
    k3s kubectl --request-timeout=10s --kubeconfig="$R/var/lib/rancher/k3s/agent/kubelet.kubeconfig" "$@"
  fi
}

# due SYSTEM: whether only a reboot brings the system's kernel, initrd, modules or kernel parameters
due() {
  for part in kernel initrd kernel-modules kernel-params; do
    [ -e "$R/run/booted-system/$part" ] || continue
    # The parameters are a file of the system itself; the others are links to what several systems may share.
    if [ "$(store "/run/booted-system/$part")" != "$(store "$1/$part")" ] &&
      { [ "$part" != kernel-params ] || ! cmp -s "$R/run/booted-system/$part" "$R$1/$part"; }; then
      printf yes
      return
    fi
  done
  printf no
}

# failing: units that are failed, and those that systemd starts again and again
failing() {
  systemctl list-units --state=failed,auto-restart --no-legend --plain | while read -r unit _; do
    printf '%s\n' "$unit"
  done
}
