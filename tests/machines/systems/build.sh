# shellcheck shell=sh
# shellcheck disable=SC2154 # of the derivation
# Lays a system out.
mkdir -p "$out/bin" "$out/sw/bin" "$out/etc/systemd/system" "$out/etc/systemd/network" "$out/etc/nixfleet"
ln -s "$kernel/bzImage" "$out/kernel"
ln -s "$kernel/initrd" "$out/initrd"
ln -s "$kernel/lib" "$out/kernel-modules"
printf '%s' "$kernelParams" >"$out/kernel-params"
printf '%s' "$inhibitors" >"$out/etc/nixfleet/inhibitors.json"
printf '%s' "$way" >"$out/way"
printf '%s' "$label" >"$out/label"
printf '%s\n' "$deployKey" >"$out/deploy-key"
printf '%s\n' "$host" >"$out/host"
printf 'ID=nixos\nNAME=NixOS\nPRETTY_NAME="NixOS 26.05"\n' >"$out/etc/os-release"

script() {
  {
    printf '#!/bin/sh\nsystem=%s\nway=%s\npartitions=%s\naddress=%s\nloader=%s\n' "$out" "$way" "$partitions" "$address" "$loader"
    cat "$1"
  } >"$2"
  chmod 0755 "$2"
}

script "$parts/init.sh" "$out/init"
script "$parts/activate.sh" "$out/activate"
script "$parts/install-boot-loader.sh" "$out/bin/install-boot-loader"
script "$parts/switch-to-configuration.sh" "$out/bin/switch-to-configuration"
script "$parts/k3s.sh" "$out/sw/bin/k3s"
script "$parts/curl.sh" "$out/sw/bin/curl"
printf '%s\n' "$k3sVersion" >"$out/k3s-version"
{
  printf '#!/bin/bash\nset -euo pipefail\n'
  printf '%s' "$preflight"
} >"$out/sw/bin/nixfleet-preflight"
chmod 0755 "$out/sw/bin/nixfleet-preflight"

unit() {
  cat >"$out/etc/systemd/system/$1"
}

[ "$way" = no-sshd ] || unit sshd.service <"$parts/sshd.service"
unit k3s.service <<UNIT
[Unit]
Description=Lightweight Kubernetes
After=network.target
StartLimitIntervalSec=0
# As nix/modules/k3s has it.
ConditionPathExists=!/etc/nixfleet/released

[Service]
Type=notify
NotifyAccess=all
ExecStart=$(if [ "$way" = k3s-silent ]; then printf /bin/sleep\ infinity; else printf '%s' "/run/current-system/sw/bin/k3s $role"; fi)
Environment=K3S_VERSION=$k3sVersion
Restart=always
RestartSec=10s
TimeoutStartSec=600
KillMode=mixed
UNIT
unit nixfleet-mesh.service <<'UNIT'
[Service]
Type=oneshot
ExecStart=/bin/true
UNIT
printf 'token-file: /etc/nixfleet/secrets/server-token\n' >"$out/etc/k3s.yaml"
case $way in
  unit-fails) unit fleet-faulty.service <<'UNIT' ;;
[Service]
Type=oneshot
ExecStart=/bin/sh -c 'echo it cannot work >&2; exit 7'
UNIT
  unit-loops) unit fleet-faulty.service <<'UNIT' ;;
[Unit]
StartLimitIntervalSec=0
[Service]
ExecStart=/bin/sh -c 'echo it cannot work >&2; exit 7'
Restart=always
RestartSec=2
UNIT
esac
# As nix/modules/update/trial.nix has it.
unit nixfleet-trial.service <<'UNIT'
[Unit]
Description=Guard of a generation that boots for the first time
ConditionPathExists=/var/lib/nixfleet/trial
DefaultDependencies=no
RequiresMountsFor=/var/lib/nixfleet
After=local-fs.target

[Service]
Type=oneshot
Environment=PATH=/run/current-system/sw/bin:/usr/sbin:/usr/bin:/sbin:/bin
ExecStart=/bin/sh /var/lib/nixfleet/trial
TimeoutStartSec=300
UNIT
[ "$way" != no-network ] || policy=always-down
cat >"$out/etc/systemd/network/eth0.network" <<NETWORK
[Match]
Name=eth0

[Link]
ActivationPolicy=${policy:-up}

[Network]
Address=10.0.2.15/24
Address=$address/32
Gateway=10.0.2.2
NETWORK
