# Ports by interface: the cluster's own only where the cluster network is, the API also for admins.
{ config, lib, ... }:
let
  inherit (lib) mkOption types;
  cfg = config.nixfleet.k3s;
  isServer = cfg.role == "server";
  interface = config.nixfleet.network.clusterInterface;
  admins = lib.concatStringsSep ", " config.nixfleet.admins.ranges;
  tcp = [
    5001
    10250
  ]
  ++ lib.optionals isServer [
    2379
    2380
    6443
    10257
    10259
  ];
  udp = [
    8472
    51820
    51821
  ];
  list = ports: lib.concatMapStringsSep ", " toString ports;
  range = cfg.ranges.cluster;
in
{
  options.nixfleet.k3s = {
    ranges = mkOption {
      type = types.attrsOf types.str;
      default = { };
      description = "Ranges by name: `cluster` (the cluster network), `pods`, `services`.";
    };
    balancer = mkOption {
      type = types.nullOr types.str;
      default = null;
      description = "Address from which a load balancer reaches the API, where that is not on the cluster network.";
    };
    nodePorts = mkOption {
      type = types.bool;
      default = false;
      description = "Whether NodePort services are reachable from the cluster network.";
    };
  };

  config = lib.mkIf cfg.enable {
    networking.firewall = {
      trustedInterfaces = [
        "cni0"
        "flannel-wg"
        "flannel.1"
      ];
      interfaces = lib.mkIf (interface != null) {
        ${interface} = {
          allowedTCPPorts = tcp;
          allowedUDPPorts = udp;
          allowedTCPPortRanges = lib.optional cfg.nodePorts {
            from = 30000;
            to = 32767;
          };
        };
      };
      extraInputRules =
        lib.optionalString (interface == null && cfg.ranges != { }) ''
          ip saddr ${range} tcp dport { ${list tcp} } accept comment "cluster network"
          ip saddr ${range} udp dport { ${list udp} } accept comment "cluster network"
        ''
        + lib.optionalString (isServer && cfg.balancer != null) ''
          ip saddr ${cfg.balancer} tcp dport 6443 accept comment "API from its load balancer"
        ''
        + lib.optionalString (isServer && admins != "") ''
          ip saddr { ${admins} } tcp dport 6443 accept comment "API from the admins' ranges"
        '';
    };
    # A cloud's metadata service hands out user data to whoever asks from the machine, pods included.
    networking.nftables.tables.nixfleet-pods = {
      family = "inet";
      content = ''
        chain forward {
          type filter hook forward priority -10; policy accept;
          ip daddr 169.254.169.254 drop
        }
      '';
    };
  };
}
