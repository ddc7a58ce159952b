# What Longhorn needs of a host. Its containers look for the host's tools in fixed places: they are put there, so that
# no admission policy has to change its pods.
{
  config,
  lib,
  pkgs,
  ...
}:
let
  inherit (lib) mkOption types;
  cfg = config.nixfleet.longhorn;
  tools = "/run/current-system/sw/bin";
in
{
  imports = [ ../k3s ];

  options.nixfleet.longhorn = {
    enable = mkOption {
      type = types.bool;
      default = false;
      description = "Whether Longhorn's volumes are used on this host.";
    };
    path = mkOption {
      type = types.str;
      default = "/var/lib/longhorn";
      description = "Folder of the replicas; ext4 or xfs.";
    };
  };

  config = lib.mkIf cfg.enable {
    assertions = [
      {
        assertion = config.nixfleet.k3s.enable;
        message = "nixfleet.longhorn.enable is true, and nixfleet.k3s.enable is false: Longhorn runs on k3s: enable it, or switch Longhorn off";
      }
    ];
    boot = {
      kernelModules = [
        "dm_crypt"
        "iscsi_tcp"
        "libiscsi"
        "nfs"
        "scsi_transport_iscsi"
      ];
      supportedFilesystems.nfs = true;
    };
    environment.systemPackages = [
      pkgs.cryptsetup
      pkgs.lvm2
      pkgs.nfs-utils
      pkgs.openiscsi
      pkgs.util-linux
    ];
    services = {
      openiscsi = {
        enable = true;
        name = "iqn.2016-04.com.open-iscsi:${config.networking.hostName}";
      };
      rpcbind.enable = true;
      # It would take the replicas' devices before Longhorn does.
      multipath.enable = lib.mkForce false; # a host that wants it cannot have Longhorn
    };
    systemd = {
      services = {
        iscsid = {
          # The folder is looked up once, at the start: when the collector has taken that system, every attachment fails.
          restartTriggers = [ config.system.path ];
          serviceConfig = {
            PrivateMounts = "yes";
            BindPaths = "${tools}:/bin";
          };
        };
        k3s.unitConfig.RequiresMountsFor = cfg.path;
      };
      tmpfiles.rules = [
        "d ${cfg.path} 0700 root root -"
        "L+ /usr/bin/fstrim - - - - ${tools}/fstrim"
        "L+ /usr/bin/mount - - - - ${tools}/mount"
        "L+ /usr/local/bin - - - - ${tools}"
      ];
    };
  };
}
