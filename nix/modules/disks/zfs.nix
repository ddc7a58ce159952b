# What a host with ZFS needs beside its layout.
{ config, lib, ... }:
let
  cfg = config.nixfleet.disk;
  isZfs = lib.elem cfg.layout [
    "n100-zfs"
    "zfs-server"
  ];
  gib = 1024 * 1024 * 1024;
  hash = builtins.hashString "sha256" config.networking.hostName;
in
{
  config = lib.mkIf isZfs {
    assertions = [
      {
        assertion = config.networking.hostId != null;
        message = "networking.hostId is not set: ZFS refuses a pool of an unknown host: remove the definition that clears it";
      }
    ];
    boot = {
      kernelParams = [
        "zfs.zfs_arc_max=${toString (4 * gib)}"
        "zfs.zfs_arc_min=${toString gib}"
      ];
      zfs = {
        devNodes = "/dev/disk/by-partlabel";
        forceImportRoot = false;
      };
    };
    # From the name, so that a machine that is installed again can import its pools.
    networking.hostId = lib.mkDefault (builtins.substring 0 8 hash);
    services.zfs = {
      autoScrub = {
        enable = true;
        interval = "Sun, 02:00";
      };
      trim = {
        enable = true;
        interval = "weekly";
      };
      zed.settings.ZED_NOTIFY_VERBOSE = true;
    };
  };
}
