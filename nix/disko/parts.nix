# What the layouts of one host are made of. Every partition's label begins with `prefix`: the host finds it by that, and
# the install guard refuses a disk that has one.
prefix:
let
  filesystem = format: mountpoint: mountOptions: {
    inherit format mountOptions mountpoint;
    type = "filesystem";
  };

  labelled =
    name: partition:
    partition
    // {
      label = "${prefix}${name}";
    };

  longhornPath = "/var/lib/longhorn";
  longhornAt = priority: size: {
    inherit priority size;
    # Longhorn needs O_DIRECT and file extents: ext4 or xfs, never btrfs or a ZFS dataset.
    content = filesystem "ext4" longhornPath [ "noatime" ];
  };
in
{
  inherit filesystem;

  disk = name: device: partitions: {
    ${name} = {
      inherit device;
      type = "disk";
      content = {
        type = "gpt";
        partitions = builtins.mapAttrs labelled partitions;
      };
    };
  };

  # Room for GRUB's core image on a GPT disk that a BIOS starts.
  biosBoot = {
    priority = 1;
    size = "1M";
    type = "EF02";
  };

  esp = size: mountpoint: {
    inherit size;
    priority = 2;
    type = "EF00";
    content = filesystem "vfat" mountpoint [ "umask=0077" ];
  };

  # Systemd-boot reads kernels from here when the ESP is small; it reads FAT only.
  extendedBoot = size: {
    inherit size;
    priority = 3;
    type = "EA00";
    content = filesystem "vfat" "/boot" [ "umask=0077" ];
  };

  swap = size: {
    inherit size;
    priority = 4;
    content = {
      type = "swap";
      randomEncryption = false;
    };
  };

  longhorn = longhornAt 8;
  longhornRest = longhornAt 9000 "100%";

  btrfsRoot = size: {
    inherit size;
    priority = 9000;
    content = {
      type = "btrfs";
      extraArgs = [ "-f" ];
      subvolumes =
        builtins.mapAttrs
          (_: mountpoint: {
            inherit mountpoint;
            mountOptions = [
              "compress=zstd"
              "noatime"
              "space_cache=v2"
            ];
          })
          {
            home = "/home";
            root = "/";
            var = "/var";
          };
    };
  };
}
