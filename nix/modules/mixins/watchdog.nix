# A machine that hangs restarts itself.
{ config, lib, ... }:
let
  inherit (lib) mkOption types;
  cfg = config.nixfleet.watchdog;
in
{
  options.nixfleet.watchdog = {
    runtimeSeconds = mkOption {
      type = types.ints.positive;
      default = 15;
      description = "Seconds without a sign of life until the hardware resets the machine.";
    };
    rebootSeconds = mkOption {
      type = types.ints.positive;
      default = 30;
      description = "Limit of a shutdown, in seconds.";
    };
  };

  config.systemd.settings.Manager = {
    KExecWatchdogSec = 60;
    RebootWatchdogSec = cfg.rebootSeconds;
    RuntimeWatchdogSec = cfg.runtimeSeconds;
  };
}
