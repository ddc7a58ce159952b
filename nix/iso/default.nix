# The installer medium: SSH with keys only, under a host key that is known before it boots.
{
  config,
  lib,
  modulesPath,
  pkgs,
  ...
}:
let
  medium = pkgs.writeShellApplication {
    name = "nixfleet-medium";
    runtimeInputs = [
      pkgs.coreutils
      pkgs.systemd
      pkgs.util-linux
    ];
    text = builtins.readFile ./medium.sh;
  };
in
{
  imports = [
    "${modulesPath}/installer/cd-dvd/installation-cd-minimal.nix"
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
      # One network stack: the profile's NetworkManager would take the cards that networkd configures, and drops its routes.
      networkmanager.enable = lib.mkForce false;
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
    # nixos-anywhere logs in as root here, by key; the installer profile would also take a password.
    services.openssh.settings.PermitRootLogin = lib.mkForce "prohibit-password";
    users.users = {
      # Not the empty ones of the installer profile.
      nixos.initialHashedPassword = lib.mkForce "!";
      root.initialHashedPassword = lib.mkForce "!";
      nixos.openssh.authorizedKeys.keys = config.nixfleet.admins.allKeys;
      root.openssh.authorizedKeys.keys = config.nixfleet.admins.allKeys;
    };
    systemd.services = {
      # Without its key the medium answers nobody: a key made up at boot could not be told from a stranger's.
      nixfleet-medium = {
        description = "Host key and addresses from the medium's second partition";
        requiredBy = [ "sshd.service" ];
        wantedBy = [ "multi-user.target" ];
        wants = [ "network-pre.target" ];
        before = [
          "network-pre.target"
          "sshd.service"
        ];
        serviceConfig = {
          Type = "oneshot";
          RemainAfterExit = true;
          ExecStart = lib.getExe medium;
          TimeoutStartSec = 60;
        };
      };
      # NixOS' own unit would make the missing key.
      sshd-keygen.enable = lib.mkForce false;
    };
    system.stateVersion = "26.05";
  };
}
