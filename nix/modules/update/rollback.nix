# The command that the watchdog's transient unit runs. It is the old system's, so a broken new one cannot break it.
{ lib, pkgs, ... }:
let
  rollback = pkgs.writeShellApplication {
    name = "nixfleet-rollback";
    runtimeInputs = [
      pkgs.coreutils
      pkgs.nix
    ];
    text = builtins.readFile ./rollback.sh;
  };
in
{
  config = {
    environment.systemPackages = [ rollback ];
    # A watchdog that fired leaves a note here; whoever updates reads it.
    systemd.tmpfiles.rules = [ "d /var/lib/nixfleet 0700 root root -" ];
    # The limit of one activation: a unit that never starts must not hold the updater.
    systemd.services.k3s.serviceConfig.TimeoutStartSec = lib.mkDefault 600;
  };
}
