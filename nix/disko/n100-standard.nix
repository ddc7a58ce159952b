# One NVMe disk of an N100 board: ext4 everywhere, a partition per growth.
{ device, prefix, ... }:
let
  parts = import ./parts.nix prefix;
  ext4 = priority: size: mountpoint: options: {
    inherit priority size;
    content = parts.filesystem "ext4" mountpoint ([ "noatime" ] ++ options);
  };
in
{
  disk = parts.disk "main" device {
    esp = parts.esp "1G" "/efi";
    boot = parts.extendedBoot "2G";
    swap = parts.swap "8G";
    root = ext4 5 "50G" "/" [ "errors=remount-ro" ];
    var = ext4 6 "50G" "/var" [ "nosuid" ];
    # No noexec: builds run what they unpack there.
    tmp = ext4 7 "10G" "/tmp" [
      "nodev"
      "nosuid"
    ];
    containerd = ext4 8 "100G" "/var/lib/rancher" [ ];
    longhorn = parts.longhornRest;
  };
}
