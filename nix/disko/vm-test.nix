# The disk of a test machine.
{ device, ... }:
let
  parts = import ./parts.nix;
in
{
  disk = parts.disk device {
    esp = parts.esp "512M" "/boot";
    swap = parts.swap "2G";
    root = {
      priority = 9000;
      size = "100%";
      content = parts.filesystem "ext4" "/" [ "noatime" ];
    };
  };
}
