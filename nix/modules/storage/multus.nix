# The folders that Multus writes to, where k3s reads them, on every architecture. Multus itself is installed from outside.
{ config, lib, ... }:
let
  cfg = config.nixfleet.multus;
  data = config.nixfleet.k3s.dataDir;
in
{
  imports = [ ../k3s ];

  options.nixfleet.multus.enable = lib.mkOption {
    type = lib.types.bool;
    default = false;
    description = "Whether Multus runs on this host.";
  };

  config = lib.mkIf cfg.enable {
    # A DHCP or macvlan attachment sends with addresses of its own on the storage interface.
    boot.kernelModules = [
      "8021q"
      "macvlan"
    ];
    systemd.tmpfiles.rules = [
      "d ${data}/agent/etc/cni/net.d 0751 root root -"
      "d ${data}/agent/etc/cni/net.d/multus.d 0700 root root -"
      "d ${data}/data/cni 0755 root root -"
      "d /run/multus 0755 root root -"
      "d /var/lib/cni/multus 0755 root root -"
    ];
  };
}
