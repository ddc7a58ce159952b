# Every stored profile that holds, on every node of its example: NixOS' units and the plain files.
tree:
let
  lib = tree.nixpkgs;
  inherit (tree) fleetLib;
  sound = lib.filterAttrs (
    _: profile: fleetLib.network.faultsOf profile == [ ] && profile.nodes != { }
  ) tree.profiles;
  minimal = import ../../../nix/refused/minimal.nix;
  unitsOf =
    document: name:
    let
      built = tree.nixosSystem {
        modules = [
          minimal
          tree.nixosModules.network
          {
            nixfleet.network.facts = {
              inherit (document) cluster;
              host = document.hosts.${name};
            };
          }
        ];
      };
    in
    {
      units = lib.mapAttrs (_: unit: unit.text) built.config.systemd.network.units;
      inherit (built.config.nixfleet.network) files;
    };
  nodesOf =
    profile:
    let
      document = fleetLib.exampleContract {
        inherit profile;
        agents = 2;
        servers = 2;
      };
    in
    lib.mapAttrs (name: _: unitsOf document name) document.hosts;
in
lib.mapAttrs (_: nodesOf) sound
