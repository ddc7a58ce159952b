# What every machine has.
{ lib, ... }:
{
  imports = [
    ../mixins/deploy.nix
    ../mixins/hardening.nix
    ../mixins/isolation.nix
    ../mixins/journald.nix
    ../mixins/networking.nix
    ../mixins/nix.nix
    ../mixins/openssh.nix
    ../mixins/sudo.nix
    ../mixins/terminfo.nix
    ../mixins/time.nix
    ../mixins/unfree.nix
    ../mixins/users.nix
    ../mixins/well-known-hosts.nix
  ];

  config = {
    boot.initrd.systemd.enable = lib.mkDefault true;
    boot.kernel.sysctl = {
      "vm.dirty_background_ratio" = lib.mkDefault 5;
      "vm.dirty_ratio" = lib.mkDefault 10;
      "vm.swappiness" = lib.mkDefault 10;
    };
    boot.tmp.cleanOnBoot = lib.mkDefault true;
    services.dbus.implementation = lib.mkDefault "broker";
    # The first release that this tree was written for; it stays when the input moves on.
    system.stateVersion = lib.mkDefault "26.05";
  };
}
