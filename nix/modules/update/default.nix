# What an update from outside relies on: a host that knows its name, says what needs a reboot, and undoes a bad boot.
# The activation and the watchdog are transient units (hostops/remote), so that neither system can break them.
{
  config,
  lib,
  pkgs,
  ...
}:
let
  inherit (lib) mkOption types;
  cfg = config.nixfleet.updateGuard;
  inhibitors = (pkgs.formats.json { }).generate "inhibitors.json" cfg.inhibitors;
  preflight = (import ../../packages pkgs).nixfleet-preflight;
in
{
  imports = [
    ../k3s
    ./trial.nix
  ];

  options.nixfleet.updateGuard.inhibitors = mkOption {
    type = types.attrsOf types.str;
    default = { };
    example = {
      dbus = "broker";
    };
    description = "Facts by name that a running system cannot change: where one differs, the update needs a reboot.";
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
        systemPackages = [ preflight ];
        etc."nixfleet/inhibitors.json".source = inhibitors;
      };
      systemd = {
        # The watchdog leaves its note here when it fired; fleet-status and the next update read it.
        tmpfiles.rules = [ "d /var/lib/nixfleet 0700 root root -" ];
      };
    }
    # These also stop a switch that is started by hand.
    {
      # What only a reboot can bring may be the next boot's system; another host's system never may.
      system.preSwitchChecks.nixfleet = ''
        if [ "''${2:-}" = boot ]; then export NIXFLEET_ALLOW_INHIBITED=1; fi
        ${lib.getExe preflight} "$1"
      '';
      system.switch.inhibitors = cfg.inhibitors;
    }
  ];
}
