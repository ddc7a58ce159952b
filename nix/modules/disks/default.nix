# The host's disks: a layout of disko/ on each device that the contract names, and no other device.
{ config, lib, ... }:
let
  inherit (lib) mkOption types;
  cfg = config.nixfleet.disk;
  layouts = import ../../disko;
  dataLayouts = import ../../disko/data;
  prefix = cfg.labelPrefix;
  devices = layouts.${cfg.layout} {
    inherit (cfg) device longhorn;
    inherit prefix;
  };
  more = dataLayouts.${cfg.data.layout} {
    inherit (cfg.data) device;
    inherit prefix;
  };
  named = [ cfg.device ] ++ lib.optional (cfg.data != null) cfg.data.device;
  strangers = lib.filter (device: !lib.elem device named) (
    lib.mapAttrsToList (_: disk: disk.device) config.disko.devices.disk
  );
  needed = (import ../../lib).disk.fixedMebibytes devices / 1024 + cfg.restGib;
  longhornPath = config.nixfleet.longhorn.path;
  mountOf = config.fileSystems.${longhornPath} or config.fileSystems."/";
in
{
  imports = [
    ../storage/longhorn.nix
    ./boot.nix
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
      type = types.nullOr (
        types.submodule {
          options = {
            device = mkOption {
              type = types.str;
              description = "The disk that the layout is made on.";
            };
            layout = mkOption {
              type = types.enum (lib.attrNames dataLayouts);
              description = "Layout of disko/data.";
            };
          };
        }
      );
      default = null;
      description = "A further disk; an installation formats it too.";
    };
    labelPrefix = mkOption {
      type = types.str;
      example = "nf.lab.n100-1.";
      description = "How the labels of the host's partitions begin: no other host's may.";
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
    disko.devices = lib.mkMerge ([ devices ] ++ lib.optional (cfg.data != null) more);
    boot.supportedFilesystems.zfs = lib.mkIf (devices ? zpool) true;
    assertions = [
      {
        assertion = strangers == [ ];
        message = "disko.devices.disk has ${lib.concatStringsSep ", " strangers}, and the host's entry names ${lib.concatStringsSep ", " named}: an installation would format a disk that no guard looks at: name it as dataDisk in the stack file, or remove it";
      }
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
