# The installer medium: SSH with keys only, under a host key that is known before it boots.
{
  config,
  lib,
  modulesPath,
  pkgs,
  ...
}:
let
  key = pkgs.writeShellApplication {
    name = "nixfleet-medium-key";
    runtimeInputs = [
      pkgs.coreutils
      pkgs.util-linux
    ];
    text = builtins.readFile ./medium-key.sh;
  };
in
{
  imports = [
    "${modulesPath}/installer/cd-dvd/installation-cd-minimal.nix"
    ../modules/mixins/caches.nix
    ../modules/mixins/openssh.nix
    ../modules/mixins/users.nix
  ];

  config = {
    environment.systemPackages = [
      pkgs.curl
      pkgs.gptfdisk
      pkgs.jq
      pkgs.nvme-cli
      pkgs.pciutils
      pkgs.rsync
      pkgs.smartmontools
      pkgs.tmux
    ];
    isoImage.squashfsCompression = "lz4";
    networking = {
      hostName = lib.mkDefault "nixfleet-installer";
      # The profile's; networkd does the work here as it does on hosts.
      wireless.enable = lib.mkForce false;
      useNetworkd = true;
    };
    nix = {
      gc.automatic = false;
      settings.experimental-features = [
        "flakes"
        "nix-command"
      ];
    };
    # The installer profile has accounts with an empty password and logs one in by itself.
    services.getty.autologinUser = lib.mkForce null;
    users.users = {
      # Not the empty ones of the installer profile.
      nixos.initialHashedPassword = lib.mkForce "!";
      root.initialHashedPassword = lib.mkForce "!";
      nixos.openssh.authorizedKeys.keys = config.nixfleet.admins.allKeys;
      root.openssh.authorizedKeys.keys = config.nixfleet.admins.allKeys;
    };
    # Without its key the medium answers nobody: a key made up at boot could not be told from a stranger's.
    systemd.services = {
      nixfleet-medium-key = {
        description = "Host key from the medium's second partition";
        requiredBy = [ "sshd.service" ];
        before = [ "sshd.service" ];
        serviceConfig = {
          Type = "oneshot";
          RemainAfterExit = true;
          ExecStart = lib.getExe key;
          TimeoutStartSec = 60;
        };
      };
      # NixOS' own unit would make the missing key.
      sshd-keygen.enable = lib.mkForce false;
    };
    system.stateVersion = "26.05";
  };
}
