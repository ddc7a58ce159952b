# An encrypted disk: LUKS, LVM on it, btrfs on that. The passphrase is handed over at install and is in no store.
{
  device,
  longhorn ? "none",
  ...
}:
let
  parts = import ./parts.nix;
  btrfs = subvolumes: {
    type = "btrfs";
    extraArgs = [ "-f" ];
    subvolumes = builtins.mapAttrs (_: mountpoint: {
      inherit mountpoint;
      mountOptions = [
        "compress=zstd"
        "noatime"
      ];
    }) subvolumes;
  };
in
{
  disk = parts.disk device {
    esp = parts.esp "1G" "/boot";
    crypt = {
      priority = 9000;
      size = "100%";
      content = {
        type = "luks";
        name = "cryptroot";
        passwordFile = "/tmp/disk.key";
        settings.allowDiscards = true;
        content = {
          type = "lvm_pv";
          vg = "root_vg";
        };
      };
    };
  };
  lvm_vg.root_vg = {
    type = "lvm_vg";
    lvs = {
      swap = {
        size = "16G";
        content = {
          type = "swap";
          resumeDevice = true;
        };
      };
      sys = {
        size = "200G";
        content = btrfs {
          "@nix" = "/nix";
          "@root" = "/";
        };
      };
      sensitive = {
        size = "1G";
        content = parts.filesystem "ext4" "/sensitive" [
          "noatime"
          "noauto"
        ];
      };
      state = {
        # Made last: it takes what the others leave.
        priority = 2000;
        size = "100%FREE";
        content = btrfs {
          "@home" = "/home";
          "@state" = "/state";
        };
      };
    }
    // (
      if longhorn == "partition" then
        {
          longhorn = {
            size = "100G";
            content = (parts.longhorn "100G").content;
          };
        }
      else
        { }
    );
  };
}
