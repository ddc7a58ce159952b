# A QEMU machine: test machines, and boards that are being tried.
{ lib, ... }:
{
  imports = [ ./cloud.nix ];
  config = {
    boot.kernelParams = [ "console=ttyS0,115200" ];
    zramSwap.enable = lib.mkDefault false;
  };
}
