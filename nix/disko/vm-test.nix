# The disk of a test machine.
{ device, prefix, ... }:
let
  parts = import ./parts.nix prefix;
in
{
  disk = parts.disk "main" device {
    esp = parts.esp "512M" "/boot";
    swap = parts.swap "2G";
    root = {
      priority = 9000;
      size = "100%";
      content = parts.filesystem "ext4" "/" [ "noatime" ];
    };
  };
}
