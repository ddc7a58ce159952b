# The seed forms the cluster once. Installed again, it joins the others: a second cluster is the worst that can happen.
{
  config,
  lib,
  pkgs,
  ...
}:
let
  cfg = config.nixfleet.k3s;
  isSeed = cfg.enable && cfg.serverSettings.cluster-init == true;
  rejoin = pkgs.writeShellApplication {
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
    description = "Addresses of the other servers, which a seed asks before it forms a cluster.";
  };

  config = lib.mkIf isSeed {
    systemd.services.nixfleet-seed = {
      description = "Join the cluster if there is one already";
      requiredBy = [ "k3s.service" ];
      before = [ "k3s.service" ];
      after = [
        "network-online.target"
        "nixfleet-mesh.service"
      ];
      wants = [ "network-online.target" ];
      environment = {
        SEED_DATA = "${cfg.dataDir}/server/db/etcd";
        SEED_PEERS = lib.concatStringsSep " " cfg.peers;
      };
      serviceConfig = {
        Type = "oneshot";
        RemainAfterExit = true;
        ExecStart = lib.getExe rejoin;
        TimeoutStartSec = 300;
      };
    };
  };
}
