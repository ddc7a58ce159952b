# Unlocking an encrypted disk over SSH, as nobody stands beside the machine when it restarts.
{ config, lib, ... }:
let
  cfg = config.nixfleet.disk;
in
{
  options.nixfleet.disk.unlockKey = lib.mkOption {
    type = lib.types.str;
    default = "/etc/nixfleet/secrets/unlock-host-key";
    description = "SSH host key of the unlock prompt. It lies unencrypted on the ESP, so it is never the system's own.";
  };

  config = lib.mkIf (cfg.layout == "luks-btrfs") {
    boot.initrd = {
      systemd.enable = true;
      systemd.network = {
        enable = true;
        networks = config.systemd.network.networks;
        netdevs = config.systemd.network.netdevs;
        links = config.systemd.network.links;
      };
      network = {
        enable = true;
        ssh = {
          enable = true;
          port = 2222;
          hostKeys = [ cfg.unlockKey ];
          authorizedKeys = config.nixfleet.admins.allKeys;
        };
      };
    };
  };
}
