# What an agent has beside the addresses.
{ config, lib, ... }:
let
  cfg = config.nixfleet.k3s;
  misplaced = lib.attrNames (
    lib.filterAttrs (_: value: value != null && value != [ ]) cfg.serverSettings
  );
in
{
  config = lib.mkIf (cfg.enable && cfg.role == "agent") {
    # The agent's own load balancer over all servers keeps it working when the one it joined through is gone.
    nixfleet.k3s.agentSettings.disable-apiserver-lb = false;
    assertions = [
      {
        assertion = misplaced == [ ];
        message = "nixfleet.k3s.serverSettings sets ${lib.concatStringsSep ", " misplaced} on an agent: an agent does not start with a server's flag: move it to the servers";
      }
      {
        assertion = cfg.settings.server != null;
        message = "nixfleet.k3s.settings.server is not set: an agent joins a cluster: set it to https://<server>:6443";
      }
    ];
  };
}
