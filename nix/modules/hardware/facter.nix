# Hardware facts that nixos-facter found on the machine, where the host has such a report.
{ config, lib, ... }:
let
  cfg = config.nixfleet.hardware;
in
{
  options.nixfleet.hardware.report = lib.mkOption {
    type = lib.types.nullOr lib.types.path;
    default = null;
    description = "The machine's facter.json; null where none was made.";
  };

  config.hardware.facter.reportPath = lib.mkIf (cfg.report != null) cfg.report;
}
