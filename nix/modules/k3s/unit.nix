# The unit: readiness, restarts, limits, and what must be there before.
{
  config,
  lib,
  pkgs,
  ...
}:
let
  inherit (lib) mkOption types;
  cfg = config.nixfleet.k3s;
  isServer = cfg.role == "server";
  interface = config.nixfleet.network.clusterInterface;
  files = [
    "config.yaml"
    "kubelet.yaml"
    "registries.yaml"
  ]
  ++ lib.optional isServer "audit-policy.yaml";
  systemdTool = name: "${config.systemd.package}/lib/systemd/${name}";
  prepare = pkgs.writeShellApplication {
    name = "nixfleet-k3s-prepare";
    runtimeInputs = [
      pkgs.coreutils
      pkgs.curl
      pkgs.iproute2
      pkgs.jq
    ];
    text = builtins.readFile ./prepare.sh;
  };
in
{
  options.nixfleet.k3s = {
    memoryMaxGib = mkOption {
      type = types.nullOr types.ints.positive;
      default = null;
      description = "Memory limit of the unit in GiB; null takes 90 % of the machine's memory.";
    };
    joinThrough = mkOption {
      type = types.listOf types.str;
      default = [ ];
      description = "Addresses of servers, the first of which that answers is joined; empty: the one of `settings.server`.";
    };
  };

  imports = [ ../mixins/isolation.nix ];

  config = lib.mkIf cfg.enable {
    nixfleet.isolatedServices.nixfleet-clock = [ ];
    systemd = {
      slices.k3s.sliceConfig.CPUWeight = 200;
      services.k3s = {
        after = [
          "network-online.target"
          "nixfleet-clock.service"
          "nixfleet-mesh.service"
        ];
        wants = [
          "network-online.target"
          "nixfleet-clock.service"
        ];
        # Files are read at start only.
        restartTriggers = map (name: config.environment.etc."rancher/k3s/${name}".source) files;
        environment = {
          NODE_ADDRESS = lib.concatStringsSep " " cfg.settings.node-ip;
          NODE_INTERFACE = lib.optionalString (interface != null) interface;
          JOIN_THROUGH = lib.concatStringsSep " " cfg.joinThrough;
        };
        serviceConfig = {
          # Its failure is no reason not to start: what follows says which address is missing.
          ExecStartPre =
            lib.optional (interface != null) (
              "-${systemdTool "systemd-networkd-wait-online"} --interface=${interface}:routable --timeout=60"
            )
            ++ [ (lib.getExe prepare) ];
          LimitNPROC = lib.mkForce 512000; # the module's "infinity" lets one pod take every process number
          MemoryMax = if cfg.memoryMaxGib == null then "90%" else "${toString cfg.memoryMaxGib}G";
          MemorySwapMax = if isServer then "2G" else "4G";
          # k3s exits when etcd's quorum or its lease is lost: it is started again without an end, ever more slowly.
          RestartMaxDelaySec = "2min";
          RestartSteps = 5;
          Slice = "k3s.slice";
          TimeoutStartSec = lib.mkForce 600; # the module's 0: a server that cannot join would hold an activation for ever
          Type = lib.mkForce "notify"; # the module's "exec" for agents; k3s tells systemd there too (pkg/agent/run.go)
        };
        unitConfig = {
          # A host that has left its cluster runs on without k3s until the operator brings it back.
          ConditionPathExists = [
            "!/etc/nixfleet/released"
          ]
          # k3s itself would join again: a server that was taken out while it was off stays out until it is let in.
          ++ lib.optional isServer "!${cfg.dataDir}/server/db/etcd/tombstone";
          StartLimitIntervalSec = 0;
        };
      };
      # A board without a battery starts with a clock of the past, and every certificate is of the future there.
      services.nixfleet-clock = {
        description = "Wait for the clock to be synchronized";
        after = [ "systemd-timesyncd.service" ];
        serviceConfig = {
          Type = "oneshot";
          RemainAfterExit = true;
          ExecStart = systemdTool "systemd-time-wait-sync";
          # It reads the kernel's clock state by the call that also sets it; without the capability it cannot set it.
          ProtectClock = false;
          SystemCallFilter = [
            "@system-service"
            "@clock"
          ];
          TimeoutStartSec = 120;
        };
      };
    };
  };
}
