# fleet-status: what this host is and how it is, as JSON.
{
  config,
  lib,
  pkgs,
  ...
}:
let
  cfg = config.nixfleet.identity;
in
{
  imports = [ ../k3s ];

  options.nixfleet.identity = {
    stack = lib.mkOption {
      type = lib.types.str;
      default = "none";
      description = "Stack that the host belongs to.";
    };
    kind = lib.mkOption {
      type = lib.types.str;
      default = "none";
      description = "Kind of machine.";
    };
    hostKey = lib.mkOption {
      type = lib.types.nullOr lib.types.str;
      default = null;
      description = "SSH host key that the host must have.";
    };
  };

  config = {
    environment.systemPackages = [ (import ../../packages pkgs).fleet-status ];
    environment.etc."nixfleet/closure.json".text = builtins.toJSON {
      inherit (cfg) kind stack;
      host = config.networking.hostName;
      k3s = if config.nixfleet.k3s.enable then config.nixfleet.k3s.role else null;
      k3sVersion = config.nixfleet.k3s.version;
    };
    # The host knows itself by its pinned key.
    programs.ssh.knownHosts = lib.mkIf (cfg.hostKey != null) {
      ${config.networking.hostName}.publicKey = cfg.hostKey;
    };
  };
}
