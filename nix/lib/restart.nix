# A start limit that can be reached: with systemd's defaults a unit that waits between starts restarts for ever.
{
  startLimit =
    {
      burst,
      restartSeconds,
      failureSeconds,
    }:
    {
      StartLimitBurst = burst;
      StartLimitIntervalSec = (burst - 1) * (restartSeconds + failureSeconds) + 1;
    };
}
