# OVH Public Cloud instances and dedicated servers that are reached like them.
{
  imports = [ ./cloud.nix ];
  config.boot.kernelParams = [ "console=ttyS0,115200" ];
}
