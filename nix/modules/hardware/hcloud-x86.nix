# Hetzner Cloud, x86.
{
  imports = [ ./cloud.nix ];
  config.boot.kernelParams = [ "console=ttyS0,115200" ];
}
