# Addresses and links of a host, rendered from data by lib/network. Firewall rules are each service's own.
{ config, lib, ... }:
let
  inherit (lib) mkOption types;
  cfg = config.nixfleet.network;
  fleetLib = import ../../lib;
  units = fleetLib.network.unitsOf cfg.facts;
  profile = cfg.facts.host.profile or null;
  faults = if profile == null then [ ] else fleetLib.network.faultsOf profile;
in
{
  imports = [ ./mesh.nix ];

  options.nixfleet.network = {
    facts = mkOption {
      type = types.nullOr (types.attrsOf types.anything);
      default = null;
      description = "The cluster's and the host's facts, as in the contract; null leaves the network to others.";
    };
    clusterInterface = mkOption {
      type = types.nullOr types.str;
      readOnly = true;
      description = "Interface of the cluster network; null where its name is not known beforehand.";
    };
    files = mkOption {
      type = types.attrsOf types.str;
      readOnly = true;
      description = "The same units as networkd's files, for a system without NixOS.";
    };
  };

  config = lib.mkMerge [
    {
      nixfleet.network = {
        clusterInterface = if cfg.facts == null then null else fleetLib.network.clusterInterface cfg.facts;
        files = if cfg.facts == null then { } else fleetLib.network.toFiles units;
      };
    }
    (lib.mkIf (cfg.facts != null) {
      networking = {
        useDHCP = false;
        useNetworkd = true;
      };
      systemd.network = fleetLib.network.toOptions units // {
        enable = true;
      };
      assertions = map (message: {
        assertion = false;
        inherit message;
      }) faults;
    })
  ];
}
