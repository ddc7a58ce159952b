# The WireGuard mesh: the interface with its key and peers. Its address is a unit of lib/network.
# Peers come from a file, so that a host that joins changes no other host's closure.
{
  config,
  lib,
  pkgs,
  ...
}:
let
  inherit (lib) mkOption types;
  cfg = config.nixfleet.mesh;
  facts = config.nixfleet.network.facts;
  mesh = if facts == null then null else facts.cluster.mesh;
  apply = pkgs.writeShellApplication {
    name = "nixfleet-mesh";
    runtimeInputs = [
      pkgs.iproute2
      pkgs.jq
      pkgs.wireguard-tools
    ];
    text = builtins.readFile ./mesh.sh;
  };
in
{
  options.nixfleet.mesh = {
    peersFile = mkOption {
      type = types.str;
      default = "/etc/nixfleet/mesh.json";
      description = "Peers: `{\"self\": name, \"peers\": {name: {publicKey, address, endpoint?}}}`; written from outside.";
    };
    keyFile = mkOption {
      type = types.str;
      default = "/etc/nixfleet/secrets/wireguard-key";
      description = "The host's private key.";
    };
  };

  imports = [ ../mixins/isolation.nix ];

  config = lib.mkIf (mesh != null) {
    nixfleet.isolatedServices.nixfleet-mesh = [ "CAP_NET_ADMIN" ];
    networking.firewall.allowedUDPPorts = [ mesh.port ];
    environment.systemPackages = [ pkgs.wireguard-tools ];
    systemd = {
      services.nixfleet-mesh = {
        description = "WireGuard mesh: interface, key and peers";
        wantedBy = [ "multi-user.target" ];
        before = [ "k3s.service" ];
        after = [ "network-pre.target" ];
        environment = {
          MESH_INTERFACE = config.nixfleet.network.clusterInterface;
          MESH_KEY = cfg.keyFile;
          MESH_PEERS = cfg.peersFile;
          MESH_PORT = toString mesh.port;
        };
        serviceConfig = {
          Type = "oneshot";
          ExecStart = lib.getExe apply;
          TimeoutStartSec = 60;
        };
      };
      # RemainAfterExit would keep the path unit from starting the service again.
      paths.nixfleet-mesh = {
        description = "Apply new mesh peers";
        wantedBy = [ "multi-user.target" ];
        pathConfig.PathChanged = cfg.peersFile;
      };
    };
  };
}
