# Hetzner Cloud, arm. Its firmware is UEFI; the layout's removable GRUB starts there, too.
{
  imports = [ ./cloud.nix ];
  config.boot.kernelParams = [ "console=ttyAMA0,115200" ];
}
