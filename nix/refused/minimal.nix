# The least that a system needs beside the module under test.
{ lib, ... }:
{
  boot.loader.grub.enable = lib.mkDefault false;
  nixpkgs.hostPlatform = lib.mkDefault "x86_64-linux";
  system.stateVersion = "26.05";
  users.allowNoPasswordLogin = true;
}
