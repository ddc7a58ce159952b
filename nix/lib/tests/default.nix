# Tests of the pure functions: { "<law>" = { expr; expected; }; }. Run by tools/test-nix with any Nix.
let
  fleetLib = import ../.;
  files = [
    ./address.nix
    ./k3s.nix
    ./network.nix
    ./rest.nix
  ];
in
builtins.foldl' (all: file: all // import file fleetLib) { } files
