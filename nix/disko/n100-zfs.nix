# One NVMe disk of an N100 board on ZFS; Longhorn's directory is ext4 beside the pool.
{ device, prefix, ... }:
let
  parts = import ./parts.nix prefix;
  zfs = import ./zfs.nix;
in
{
  disk = parts.disk "main" device {
    esp = parts.esp "1G" "/efi";
    boot = parts.extendedBoot "2G";
    swap = parts.swap "8G";
    longhorn = parts.longhorn "100G";
    zfs = zfs.partition "rpool";
  };
  zpool.rpool = zfs.pool {
    root = zfs.mounted "/" { };
    home = zfs.mounted "/home" { };
    var = zfs.mounted "/var" { };
    "var/log" = zfs.mounted "/var/log" { compression = "zstd"; };
    tmp = zfs.mounted "/tmp" {
      devices = "off";
      setuid = "off";
    };
    containerd = zfs.mounted "/var/lib/rancher" {
      logbias = "throughput";
      recordsize = "128K";
    };
    reserved = zfs.bare { reservation = "10G"; };
  };
}
