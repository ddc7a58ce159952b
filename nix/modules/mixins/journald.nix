# Logs that survive a reboot and cannot fill the disk.
{
  config.services.journald = {
    storage = "persistent";
    extraConfig = ''
      SystemMaxUse=1G
      MaxRetentionSec=7d
    '';
  };
}
