# The contract as one typed option: what the Python half says of this host, and not a key more.
{ config, lib, ... }:
let
  inherit (lib) mkOption types;
  cfg = config.fleet;
  known = lib.concatStringsSep ", " (lib.attrNames cfg.hosts);
in
{
  options.fleet = {
    schemaVersion = mkOption {
      type = types.enum [ (import ../../lib).contract.schemaVersion ];
      description = "Version of the contract's shape.";
    };
    stack = mkOption {
      type = types.str;
      description = "Name of the stack.";
    };
    cluster = mkOption {
      type = types.submodule ./cluster.nix;
      description = "What every host of the cluster knows.";
    };
    hosts = mkOption {
      type = types.attrsOf (types.submodule ./host.nix);
      description = "The host's own entry, by its name: a closure depends on no other host's.";
    };
  };

  options.nixfleet = {
    name = mkOption {
      type = types.str;
      example = "n100-1";
      description = "Name of this host in the contract.";
    };
    host = mkOption {
      type = types.submodule ./host.nix;
      readOnly = true;
      description = "This host's entry.";
    };
  };

  config.nixfleet.host =
    cfg.hosts.${config.nixfleet.name}
      or (throw "nixfleet.name is ${config.nixfleet.name}: fleet.hosts has only ${known}: use the name of an entry");
}
