# The seed forms the cluster once, where its installation asks for it (hostops/formation.py); otherwise it joins.
{
  config,
  lib,
  pkgs,
  ...
}:
let
  cfg = config.nixfleet.k3s;
  # systemd ends a start that takes longer, whatever it was about to say: the last round (10 s a peer and 5 s between two,
  # in seed.sh) has to end before that, and so has the message.
  startSeconds = config.systemd.services.k3s.serviceConfig.TimeoutStartSec;
  roundSeconds = 10 * lib.length cfg.peers + 5;
  messageSeconds = 15;
  isSeed = cfg.enable && cfg.serverSettings.cluster-init == true;
  seed = pkgs.writeShellApplication {
    name = "nixfleet-seed";
    runtimeInputs = [
      pkgs.coreutils
      pkgs.curl
    ];
    text = builtins.readFile ./seed.sh;
  };
in
{
  options.nixfleet.k3s.peers = lib.mkOption {
    type = lib.types.listOf lib.types.str;
    default = [ ];
    description = "Addresses of the other servers, which a seed without data asks before it forms a cluster.";
  };

  config = lib.mkIf isSeed {
    systemd.services.k3s = {
      environment = {
        SEED_DATA = "${cfg.dataDir}/server/db/etcd";
        SEED_PEERS = lib.concatStringsSep " " cfg.peers;
        SEED_SECONDS = toString (startSeconds - roundSeconds - messageSeconds);
      };
      serviceConfig = {
        # At every start, also one by hand after the data was removed: a unit of its own would still be "active" then.
        ExecStartPre = [ "${lib.getExe seed} before" ];
        ExecStartPost = [ "${lib.getExe seed} after" ];
      };
    };
  };
}
