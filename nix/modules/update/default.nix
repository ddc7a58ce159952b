# What an update from outside relies on: a host that knows its name, refuses another's system, and undoes a bad boot.
# The activation and the watchdog are transient units that the updater starts; they run the commands of this module.
{
  config,
  lib,
  options,
  pkgs,
  ...
}:
let
  inherit (lib) mkOption types;
  cfg = config.nixfleet.updateGuard;
  json = pkgs.formats.json { };
  inhibitors = json.generate "inhibitors.json" cfg.inhibitors;
  preflight = pkgs.writeShellApplication {
    name = "nixfleet-preflight";
    runtimeInputs = [ pkgs.jq ];
    text = builtins.readFile ./preflight.sh;
  };
  probes = pkgs.writeShellApplication {
    name = "nixfleet-probes";
    runtimeInputs = [
      pkgs.coreutils
      pkgs.jq
    ];
    text = builtins.readFile ./probes.sh;
  };
  probe = types.submodule {
    options = {
      name = mkOption {
        type = types.str;
        description = "Name of the probe.";
      };
      command = mkOption {
        type = types.str;
        description = "Command that sh runs; 0 is healthy.";
      };
      timeoutSeconds = mkOption {
        type = types.ints.positive;
        description = "Limit of one run, in seconds.";
      };
    };
  };
in
{
  imports = [
    ./boot-counting.nix
    ./rollback.nix
  ];

  options.nixfleet.updateGuard = {
    watchdogMinutes = mkOption {
      type = types.ints.positive;
      default = 15;
      description = "Minutes after which an unconfirmed update is undone.";
    };
    reboot = mkOption {
      type = types.enum [ "kernel" "never" ];
      default = "kernel";
      description = "When an update may reboot the host.";
    };
    probes = mkOption {
      type = types.listOf probe;
      default = [ ];
      description = "What the host must pass before an update counts.";
    };
    inhibitors = mkOption {
      type = types.attrsOf types.str;
      default = { };
      example = {
        dbus = "broker";
      };
      description = "Facts by name that a running system cannot change: where one differs, the update needs a reboot.";
    };
  };

  config = lib.mkMerge [
    {
      nixfleet.updateGuard.inhibitors = {
        dbus = config.services.dbus.implementation;
        hostname = config.networking.hostName;
        initrd-systemd = lib.boolToString config.boot.initrd.systemd.enable;
        mutable-users = lib.boolToString config.users.mutableUsers;
      };
      environment = {
        systemPackages = [
          preflight
          probes
        ];
        etc = {
          "nixfleet/inhibitors.json".source = inhibitors;
          "nixfleet/update.json".source = json.generate "update.json" {
            inherit (cfg) probes reboot watchdogMinutes;
          };
        };
      };
    }
    # Both exist since NixOS 25.05; there they also stop a switch that is started by hand.
    (lib.optionalAttrs (options.system ? preSwitchChecks) {
      system.preSwitchChecks.nixfleet = ''${lib.getExe preflight} "$1"'';
    })
    (lib.optionalAttrs (options.system ? switch && options.system.switch ? inhibitors) {
      system.switch.inhibitors = cfg.inhibitors;
    })
  ];
}
