# Development shells by name: `nix develop ./nix#<name>`.
pkgs:
let
  current = pkgs.extend (import ../overlays { inherit (pkgs) lib; }).backports;
  shells = {
    # keep-sorted start
    ai = ./ai.nix;
    go = ./go.nix;
    infra = ./infra.nix;
    mcp = ./mcp.nix;
    nix = ./nix.nix;
    nixos = ./nixos.nix;
    node = ./node.nix;
    python = ./python.nix;
    rust = ./rust.nix;
    # keep-sorted end
  };
  named = pkgs.lib.mapAttrs (_: file: import file current) shells;
in
named // { default = named.infra; }
