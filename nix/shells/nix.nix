# Work on Nix code.
pkgs:
pkgs.mkShell {
  name = "nixfleet-nix";
  packages = [
    pkgs.deadnix
    pkgs.nil
    pkgs.nix-tree
    pkgs.nixfmt
    pkgs.nurl
    pkgs.statix
  ];
}
