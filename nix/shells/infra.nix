# Run the Pulumi program, and look at the cluster that it makes.
pkgs:
pkgs.mkShell {
  name = "nixfleet-infra";
  packages = [
    pkgs.git
    pkgs.gnumake
    pkgs.jq
    pkgs.k9s
    pkgs.kubectl
    pkgs.kubernetes-helm
    pkgs.nix
    pkgs.nixos-anywhere
    pkgs.nixos-rebuild-ng
    pkgs.openssh
    pkgs.pulumi
    pkgs.pulumiPackages.pulumi-python
    pkgs.python3
    pkgs.wireguard-tools
  ];
}
