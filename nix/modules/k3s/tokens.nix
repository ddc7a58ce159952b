# Tokens: by file, brought at install and by every switch, never in the store. An agent has no server token.
{ config, lib, ... }:
let
  cfg = config.nixfleet.k3s;
  folder = "/etc/nixfleet/secrets";
  isServer = cfg.role == "server";
in
{
  config = lib.mkIf cfg.enable {
    nixfleet.k3s = {
      settings.token-file = "${folder}/${cfg.role}-token";
      serverSettings = lib.mkIf isServer { agent-token-file = "${folder}/agent-token"; };
    };
    systemd = {
      # A node with an empty token would form a cluster of its own with a token that it makes up.
      services.k3s.unitConfig.AssertFileNotEmpty = [
        "${folder}/${cfg.role}-token"
      ]
      ++ lib.optional isServer "${folder}/agent-token";
      tmpfiles.rules = [
        "d /etc/nixfleet 0755 root root -"
        "d ${folder} 0700 root root -"
      ];
    };
  };
}
