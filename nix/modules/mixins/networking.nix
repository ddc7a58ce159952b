# The network under everything: networkd, resolved, a firewall that drops, and TCP for long lines.
{ config, lib, ... }:
let
  cfg = config.nixfleet.admins;
  ranges = lib.concatStringsSep ", " cfg.ranges;
in
{
  imports = [ ./users.nix ];

  config = {
    boot.kernel.sysctl = lib.mapAttrs (_: lib.mkDefault) {
      "net.core.default_qdisc" = "fq";
      "net.core.rmem_max" = 16777216;
      "net.core.wmem_max" = 16777216;
      "net.ipv4.tcp_congestion_control" = "bbr";
    };
    boot.kernelModules = [ "tcp_bbr" ];
    networking = {
      domain = lib.mkDefault "k3s.local";
      nftables.enable = true;
      useNetworkd = lib.mkDefault true;
      firewall = {
        enable = true;
        allowPing = true;
        logRefusedConnections = false;
        # Pod traffic and a mesh come back by other ways than they went.
        checkReversePath = "loose";
        # An empty list of ranges would lock everybody out.
        extraInputRules = lib.mkIf (cfg.ranges != [ ]) ''
          ip saddr { ${ranges} } tcp dport 22 accept comment "SSH from the admins' ranges"
        '';
      };
    };
    services.openssh.openFirewall = lib.mkDefault (cfg.ranges == [ ]);
    services.resolved = {
      enable = lib.mkDefault true;
    };
    systemd = {
      network.wait-online = {
        anyInterface = lib.mkDefault true;
        timeout = lib.mkDefault 60;
      };
      # A switch over the network must not cut itself off.
      services.systemd-networkd.stopIfChanged = false;
      services.systemd-resolved.stopIfChanged = false;
    };
  };
}
