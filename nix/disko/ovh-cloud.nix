# An OVH instance: kernels on ext4, started by a BIOS or by UEFI.
{
  device,
  prefix,
  longhorn ? "none",
  ...
}:
let
  parts = import ./parts.nix prefix;
  base = import ./hetzner-cloud.nix { inherit device longhorn prefix; };
  own = parts.disk "main" device {
    esp = parts.esp "512M" "/boot/efi";
    boot = {
      priority = 3;
      size = "2G";
      content = parts.filesystem "ext4" "/boot" [ "noatime" ];
    };
  };
in
{
  disk.main = base.disk.main // {
    content = base.disk.main.content // {
      partitions = base.disk.main.content.partitions // own.main.content.partitions;
    };
  };
}
