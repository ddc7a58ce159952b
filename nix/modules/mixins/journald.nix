# Logs that survive a reboot and cannot fill the disk.
{
  config.services.journald.extraConfig = ''
    Storage=persistent
    SystemMaxUse=1G
    MaxRetentionSec=7d
  '';
}
