# Install and look after NixOS machines.
pkgs:
pkgs.mkShell {
  name = "nixfleet-nixos";
  packages = [
    pkgs.age
    pkgs.nixos-anywhere
    pkgs.nix-inspect
    pkgs.nvd
    pkgs.shellcheck
    pkgs.sops
    pkgs.ssh-to-age
    pkgs.vulnix
  ];
}
