# Run the Pulumi program, and look at the cluster that it makes.
pkgs:
pkgs.mkShell {
  name = "nixfleet-infra";
  packages = [
    pkgs.gnumake
    pkgs.k9s
    pkgs.kubectl
    pkgs.kubernetes-helm
    pkgs.openssh
    pkgs.pulumi
    pkgs.python3
    pkgs.wireguard-tools
  ];
}
