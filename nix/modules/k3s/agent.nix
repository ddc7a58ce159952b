# What an agent has beside the addresses.
{ config, lib, ... }:
let
  cfg = config.nixfleet.k3s;
in
{
  config = lib.mkIf (cfg.enable && cfg.role == "agent") {
    # The agent's own load balancer over all servers keeps it working when the one it joined through is gone.
    nixfleet.k3s.agentSettings.disable-apiserver-lb = false;
    assertions = [
      {
        assertion = cfg.settings.server != null;
        message = "nixfleet.k3s.settings.server is not set: an agent joins a cluster: set it to https://<server>:6443";
      }
    ];
  };
}
