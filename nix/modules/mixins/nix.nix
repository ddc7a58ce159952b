# Nix itself: settings, collection of garbage, and who is trusted.
{ config, lib, ... }:
{
  config = {
    nix = {
      channel.enable = lib.mkDefault false;
      daemonCPUSchedPolicy = lib.mkDefault "batch";
      daemonIOSchedClass = lib.mkDefault "idle";
      # Programs like nh clean better; two cleaners would race.
      gc = {
        automatic = lib.mkDefault (!config.programs.nh.clean.enable);
        dates = lib.mkDefault "daily";
        options = lib.mkDefault "--delete-older-than 14d";
      };
      optimise.automatic = lib.mkDefault true;
      settings = {
        allow-import-from-derivation = lib.mkDefault false;
        experimental-features = [
          "flakes"
          "nix-command"
        ];
        max-free = lib.mkDefault (3000 * 1024 * 1024);
        min-free = lib.mkDefault (2 * 1024 * 1024 * 1024);
        tarball-ttl = lib.mkDefault (30 * 24 * 3600);
        # Being trusted by the daemon is being root: wheel is not enough here.
        trusted-users = [ "root" ];
      };
    };
    # A build that eats the memory dies before k3s does.
    systemd.services.nix-daemon.serviceConfig.OOMScoreAdjust = lib.mkDefault 250;
  };
}
