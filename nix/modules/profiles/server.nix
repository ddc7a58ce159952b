# A machine without a screen that looks after itself.
{ lib, ... }:
{
  imports = [
    ./common.nix
    ../mixins/no-docs.nix
    ../mixins/server-packages.nix
    ../mixins/watchdog.nix
  ];

  config = {
    # A prompt that nobody can reach helps nobody: go on, and be reachable by SSH.
    boot.initrd.systemd.suppressedUnits = [
      "emergency.service"
      "emergency.target"
    ];
    # No account has a password, so a keyboard leads nowhere.
    console.enable = lib.mkDefault false;
    systemd = {
      enableEmergencyMode = false;
      targets = lib.genAttrs [ "hibernate" "hybrid-sleep" "sleep" "suspend" ] (_: {
        enable = false;
      });
    };
    fonts.fontconfig.enable = lib.mkDefault false;
    programs.command-not-found.enable = lib.mkDefault false;
    virtualisation.vmVariant.virtualisation.graphics = lib.mkDefault false;
    xdg = {
      autostart.enable = lib.mkDefault false;
      icons.enable = lib.mkDefault false;
      menus.enable = lib.mkDefault false;
      mime.enable = lib.mkDefault false;
      sounds.enable = lib.mkDefault false;
    };
  };
}
