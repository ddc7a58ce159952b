# The seed forms the cluster once, where its installation asks for it (hostops/formation.py); otherwise it joins.
{
  config,
  lib,
  pkgs,
  ...
}:
let
  cfg = config.nixfleet.k3s;
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
        SEED_SECONDS = "600";
      };
      serviceConfig = {
        # At every start, also one by hand after the data was removed: a unit of its own would still be "active" then.
        ExecStartPre = [ "${lib.getExe seed} before" ];
        ExecStartPost = [ "${lib.getExe seed} after" ];
      };
    };
  };
}
