# The system disk: a layout of disko/ on one device, and that Longhorn's directory is on a file system it can use.
{ config, lib, ... }:
let
  inherit (lib) mkOption types;
  cfg = config.nixfleet.disk;
  layouts = import ../../disko;
  devices = layouts.${cfg.layout} { inherit (cfg) data device longhorn; };
  needed = (import ../../lib).disk.fixedMebibytes devices / 1024 + cfg.restGib;
  longhornPath = config.nixfleet.longhorn.path;
  mountOf = config.fileSystems.${longhornPath} or config.fileSystems."/";
in
{
  imports = [
    ../storage/longhorn.nix
    ./boot.nix
    ./luks.nix
    ./volume.nix
    ./zfs.nix
  ];

  options.nixfleet.disk = {
    layout = mkOption {
      type = types.nullOr (types.enum (lib.attrNames layouts));
      default = null;
      description = "Layout of the system disk; null leaves disks to others.";
    };
    device = mkOption {
      type = types.str;
      example = "/dev/disk/by-id/nvme-WD_Blue_SN580_500GB_2338";
      description = "The disk that the layout is made on.";
    };
    data = mkOption {
      type = types.nullOr types.str;
      default = null;
      description = "A second disk, for the layouts that have a use for it.";
    };
    sizeGib = mkOption {
      type = types.ints.positive;
      description = "Size of the device in GiB.";
    };
    restGib = mkOption {
      type = types.ints.positive;
      default = 10;
      description = "What the partition that takes the rest needs at least, in GiB.";
    };
    unstablePath = mkOption {
      type = types.bool;
      default = false;
      description = "Accept a path that may name another disk after a reboot.";
    };
    longhorn = mkOption {
      type = types.enum [
        "none"
        "partition"
        "volume"
      ];
      default = "none";
      description = "Where Longhorn's replicas lie: nowhere, on the system disk, on a volume of their own.";
    };
  };

  config = lib.mkIf (cfg.layout != null) {
    disko.devices = devices;
    boot.supportedFilesystems.zfs = lib.mkIf (devices ? zpool) true;
    assertions = [
      {
        assertion = cfg.sizeGib >= needed;
        message = "nixfleet.disk.layout ${cfg.layout} needs ${toString needed} GiB, and ${cfg.device} has ${toString cfg.sizeGib} GiB: use a larger disk or a smaller layout";
      }
      {
        assertion = cfg.unstablePath || lib.hasPrefix "/dev/disk/by-" cfg.device;
        message = "nixfleet.disk.device is ${cfg.device}, a name that may move to another disk: use a path of /dev/disk/by-id, or set nixfleet.disk.unstablePath";
      }
      {
        assertion =
          cfg.longhorn == "none"
          || lib.elem mountOf.fsType [
            "ext4"
            "xfs"
          ];
        message = "${longhornPath} lies on ${mountOf.fsType}: Longhorn runs on ext4 and xfs only: use a layout that has a partition for it, or a volume";
      }
    ];
  };
}
