# The boot loader that fits the layout: systemd-boot on UEFI machines, GRUB where the firmware may be either.
{ config, lib, ... }:
let
  cfg = config.nixfleet.disk;
  hybrid = [
    "hetzner-cloud"
    "ovh-cloud"
  ];
  isHybrid = lib.elem cfg.layout hybrid;
  hasExtendedBoot = lib.elem cfg.layout [
    "n100-standard"
    "n100-zfs"
  ];
  # No arm machine has a BIOS, and GRUB has no core for one there.
  target = if config.nixpkgs.hostPlatform.isx86_64 then cfg.device else "nodev";
  partitions = config.disko.devices.disk.main.content.partitions;
  boot = lib.findFirst (one: (one.content.mountpoint or null) == "/boot") null (
    lib.attrValues partitions
  );
  room = (import ../../lib).disk.mebibytes boot.size;
  # A kernel and an initrd: arm64's kernel is not compressed (about 68 MiB, and 30), x86's is (14, and up to 50 with ZFS).
  generationMib = if config.nixpkgs.hostPlatform.isAarch64 then 100 else 64;
  limit =
    if isHybrid then
      config.boot.loader.grub.configurationLimit
    else
      config.boot.loader.systemd-boot.configurationLimit;
  # New ones are copied before old ones are deleted.
  needed = (limit + 1) * generationMib;
  installed = lib.concatStringsSep ", " config.boot.loader.grub.devices;
in
{
  config = lib.mkMerge [
    (lib.mkIf (cfg.layout != null) {
      assertions = [
        {
          assertion = room >= needed;
          message = "/boot of layout ${cfg.layout} has ${toString room} MiB, and ${toString limit} generations and the next one need ${toString needed} MiB: lower the loader's configurationLimit or enlarge the partition";
        }
      ];
      boot.loader.timeout = lib.mkDefault (if cfg.layout == "vm-test" then 1 else 3);
      # Either a partition or memory: a layout that has the partition is one of these.
      boot.tmp.useTmpfs = lib.mkDefault (!hasExtendedBoot);
      boot.tmp.tmpfsSize = "4G";
      services.fstrim.enable = lib.mkDefault (cfg.layout != "vm-test");
      services.smartd = lib.mkIf (cfg.layout == "n100-standard" || cfg.layout == "n100-zfs") {
        enable = lib.mkDefault true;
      };
    })
    (lib.mkIf (cfg.layout != null && !isHybrid) {
      boot.loader = {
        efi.canTouchEfiVariables = lib.mkDefault true;
        efi.efiSysMountPoint = lib.mkIf hasExtendedBoot "/efi";
        systemd-boot = {
          enable = true;
          editor = false;
          configurationLimit = lib.mkDefault 5;
          xbootldrMountPoint = lib.mkIf hasExtendedBoot "/boot";
        };
      };
    })
    (lib.mkIf (cfg.layout == "ovh-cloud") { boot.loader.efi.efiSysMountPoint = "/boot/efi"; })
    (lib.mkIf isHybrid {
      # disko names the device, from the partition that a BIOS starts.
      boot.loader.grub = {
        enable = true;
        devices = lib.mkIf (target == "nodev") (lib.mkForce [ target ]); # disko knows the disk, not the machine
        efiSupport = true;
        efiInstallAsRemovable = true;
        configurationLimit = lib.mkDefault 5;
      };
      assertions = [
        {
          assertion = config.boot.loader.grub.devices == [ target ];
          message = "boot.loader.grub.devices is ${installed}, and nixfleet.disk.device is ${cfg.device}: GRUB goes on the disk that is partitioned, so remove the definition of boot.loader.grub.device";
        }
      ];
    })
  ];
}
