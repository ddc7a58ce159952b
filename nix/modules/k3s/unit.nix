# The unit: limits, restarts that end, and what must be there before.
{ config, lib, ... }:
let
  inherit (lib) mkOption types;
  cfg = config.nixfleet.k3s;
  isServer = cfg.role == "server";
  files = [
    "config.yaml"
    "kubelet.yaml"
    "registries.yaml"
  ]
  ++ lib.optional isServer "audit-policy.yaml";
  limit = (import ../../lib).restart.startLimit {
    burst = 6;
    restartSeconds = 10;
    failureSeconds = 110;
  };
in
{
  options.nixfleet.k3s.memoryMaxGib = mkOption {
    type = types.nullOr types.ints.positive;
    default = null;
    description = "Memory limit of the unit in GiB; null takes 90 % of the machine's memory.";
  };

  config = lib.mkIf cfg.enable {
    nixfleet.k3s.settings = {
      alsologtostderr = true;
      log = "/var/log/k3s.log";
      v = 2;
    };
    services.logrotate.settings."/var/log/k3s.log" = {
      copytruncate = true;
      frequency = "daily";
      rotate = 7;
      size = "100M";
    };
    systemd = {
      slices.k3s.sliceConfig.CPUWeight = 200;
      services.k3s = {
        after = [
          "network-online.target"
          "nixfleet-mesh.service"
        ];
        wants = [ "network-online.target" ];
        # Files are read at start only.
        restartTriggers = map (name: config.environment.etc."rancher/k3s/${name}".source) files;
        serviceConfig = {
          LimitNPROC = lib.mkForce 512000; # the module's "infinity" lets one pod take every process number
          MemoryMax = if cfg.memoryMaxGib == null then "90%" else "${toString cfg.memoryMaxGib}G";
          MemorySwapMax = if isServer then "2G" else "4G";
          RestartSec = lib.mkForce "10s"; # the module's 5 s make the start limit unreachable
          Slice = "k3s.slice";
        };
        # A host that has left its cluster runs on without k3s until the operator brings it back.
        unitConfig = limit // {
          ConditionPathExists = "!/etc/nixfleet/released";
        };
      };
    };
  };
}
