# Ports of the cluster, by who needs them: etcd between servers, the API also for admins and the load balancer, the rest
# between nodes. An interface that is known beforehand narrows them further.
{ config, lib, ... }:
let
  inherit (lib) mkOption types;
  cfg = config.nixfleet.k3s;
  isServer = cfg.role == "server";
  interface = config.nixfleet.network.clusterInterface;
  list = lib.concatMapStringsSep ", " toString;
  here = lib.optionalString (interface != null) ''iifname "${interface}" '';
  open =
    sources: protocol: ports: comment:
    lib.optionalString (sources != [ ] && ports != [ ]) ''
      ${here}ip saddr { ${list sources} } ${protocol} dport { ${list ports} } accept comment "${comment}"
    '';
  nodes = lib.optional (cfg.nodeRange != null) cfg.nodeRange;
  # k3s' scheduler and controller manager listen on the loopback only.
  nodeTcp = [
    5001 # images from node to node
    10250 # kubelet
  ]
  ++ lib.optional isServer 6443;
  # flannel's port, by what carries the pods (lib/k3s.nix).
  nodeUdp =
    if (config.nixfleet.network.facts.cluster.mesh or null) == null then [ 51820 ] else [ 8472 ];
  api = sources: comment: ''
    ip saddr { ${list sources} } tcp dport 6443 accept comment "${comment}"
  '';
in
{
  options.nixfleet.k3s = {
    nodeRange = mkOption {
      type = types.nullOr types.str;
      default = null;
      description = "Range of the nodes' addresses on the cluster network; null opens nothing to them.";
    };
    servers = mkOption {
      type = types.listOf types.str;
      default = [ ];
      description = "Addresses of all servers on the cluster network.";
    };
    balancer = mkOption {
      type = types.nullOr types.str;
      default = null;
      description = "Address from which a load balancer reaches the API, where that is not on the cluster network.";
    };
  };

  config = lib.mkIf cfg.enable {
    networking.firewall = {
      trustedInterfaces = [
        "cni0"
        "flannel-wg"
        "flannel.1"
      ];
      extraInputRules =
        open nodes "tcp" nodeTcp "cluster: nodes"
        + open nodes "udp" nodeUdp "cluster: pods' network"
        + lib.optionalString isServer (
          open cfg.servers "tcp" [
            2379
            2380
          ] "cluster: etcd"
          + lib.optionalString (cfg.balancer != null) (api [ cfg.balancer ] "API from its load balancer")
          + lib.optionalString (config.nixfleet.admins.ranges != [ ]) (
            api config.nixfleet.admins.ranges "API from the admins' ranges"
          )
        );
    };
    # A cloud's metadata service hands out user data to whoever asks from the machine: pods, and processes in the host's
    # network. Only root may ask; a pod in the host's network that runs as root is root.
    networking.nftables.tables.nixfleet-metadata = {
      family = "inet";
      content = ''
        chain forward {
          type filter hook forward priority -10; policy accept;
          ip daddr 169.254.169.254 drop
        }
        chain output {
          type filter hook output priority -10; policy accept;
          ip daddr 169.254.169.254 meta skuid != 0 drop
          ip6 daddr fe80::a9fe:a9fe meta skuid != 0 drop
        }
      '';
    };
  };
}
