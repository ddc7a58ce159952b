# For flakes that build on this one, and for the tests: a host of any contract, and the pure functions.
{
  inputs,
  installers,
  lib,
  machines,
  nixosModules,
  overlays,
}:
let
  pkgs = inputs.nixpkgs.legacyPackages.x86_64-linux;
  fleetLib = import ../lib;
  profiles = fleetLib.network.profiles ../network/profiles;
  tree = {
    inherit
      fleetLib
      installers
      machines
      nixosModules
      profiles
      ;
    layouts = import ../disko;
    nixpkgsX86 = pkgs;
    inherit (overlays) backports;
    packages = import ../packages pkgs;
    shells = import ../shells pkgs;
    inherit (lib) nixosSystem;
    nixpkgs = lib;
    contracts = fleetLib.contract.readAll ../fleet;

    # A host of a contract, with further modules of one's own.
    hostSystem =
      {
        document,
        name,
        modules ? [ ],
        files ? ../.,
      }:
      let
        host = import ../lib/host.nix { inherit files inputs nixosModules; };
      in
      lib.nixosSystem { modules = host.modulesOf { inherit document name; } ++ modules; };

    # The tests that boot machines, as data: { name; nodes; testScript; document; }.
    machineTests = import ../vms/cluster/tests.nix {
      inherit profiles;
      make = import ../vms/cluster { inherit inputs lib nixosModules; };
    };
  };
in
tree
// {
  # Configurations that must fail: the messages of their failed assertions, by name.
  refused = import ../refused tree;
}
