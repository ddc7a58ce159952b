# A machine that a person sits at.
{ lib, pkgs, ... }:
{
  imports = [ ./common.nix ];

  config = {
    environment.systemPackages = [
      pkgs.git
      pkgs.vim
    ];
    networking.networkmanager = {
      enable = lib.mkDefault true;
      plugins = lib.mkForce [ ]; # VPN plugins that nobody asked for
    };
    # Builds must not make the desktop stutter.
    nix.daemonCPUSchedPolicy = "idle";
    security.rtkit.enable = true;
    services.pipewire = {
      enable = lib.mkDefault true;
      alsa.enable = true;
      pulse.enable = true;
    };
  };
}
