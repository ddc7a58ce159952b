# A workstation that this project is worked on with.
{ pkgs, ... }:
{
  imports = [ ./workstation.nix ];

  config = {
    environment.systemPackages = [
      pkgs.direnv
      pkgs.gnumake
      pkgs.kubectl
      pkgs.nixfmt
      pkgs.python3
    ];
    programs.nh = {
      enable = true;
      clean = {
        enable = true;
        extraArgs = "--keep 5 --keep-since 1w";
      };
    };
    virtualisation.podman.enable = true;
  };
}
