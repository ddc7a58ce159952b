# Longhorn's directory on a cloud volume. A volume is formatted once, while it is blank, and found by its label after.
{
  config,
  lib,
  pkgs,
  ...
}:
let
  cfg = config.nixfleet.disk;
  format = pkgs.writeShellApplication {
    name = "nixfleet-volume";
    runtimeInputs = [
      pkgs.e2fsprogs
      pkgs.util-linux
    ];
    text = builtins.readFile ./volume.sh;
  };
in
{
  imports = [ ../mixins/isolation.nix ];

  config = lib.mkIf (cfg.longhorn == "volume") {
    nixfleet.isolatedServices.nixfleet-volume = [ ];
    fileSystems.${config.nixfleet.longhorn.path} = {
      device = "/dev/disk/by-label/longhorn";
      fsType = "ext4";
      options = [
        "noatime"
        # A missing volume must not keep the machine from starting: k3s waits for it, SSH does not.
        "nofail"
        "x-systemd.requires=nixfleet-volume.service"
      ];
    };
    systemd.services.nixfleet-volume = {
      description = "Volume of Longhorn's replicas";
      unitConfig.DefaultDependencies = false;
      after = [ "systemd-udev-settle.service" ];
      wants = [ "systemd-udev-settle.service" ];
      serviceConfig = {
        Type = "oneshot";
        RemainAfterExit = true;
        ExecStart = lib.getExe format;
        # It makes a file system on a device, before /tmp of its own could be mounted.
        PrivateDevices = false;
        PrivateTmp = false;
        TimeoutStartSec = 120;
      };
    };
  };
}
