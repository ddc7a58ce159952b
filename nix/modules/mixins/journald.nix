# Logs that survive a reboot and cannot fill the disk.
{
  # A file of its own: the option of this name has come and gone with NixOS' releases.
  config.environment.etc."systemd/journald.conf.d/10-nixfleet.conf".text = ''
    [Journal]
    Storage=persistent
    SystemMaxUse=1G
    MaxRetentionSec=7d
  '';
}
