# Machines that are no hosts of a stack: the installers, and what runs on one's own computer.
{
  inputs,
  lib,
  nixosModules,
}:
let
  fleetLib = import ../lib;
  host = import ../lib/host.nix { inherit inputs nixosModules; };
  profiles = fleetLib.network.profiles ../network/profiles;
  documents = lib.attrValues (fleetLib.contract.readAll ../fleet);
  document = fleetLib.exampleContract {
    profile = profiles.simple;
    servers = 1;
    agents = 1;
  };
  vm =
    name:
    lib.nixosSystem { modules = host.modulesOf { inherit document name; } ++ [ ../vms/machine.nix ]; };
  # The medium serves all stacks: whoever may administrate one may install from it.
  admins = {
    nixfleet.admins.users = lib.mergeAttrsList (map (one: one.cluster.users) documents);
    users.users.root.openssh.authorizedKeys.keys = map (one: one.cluster.deployKey) documents;
  };
  jetson = [
    inputs.jetpack-nixos.nixosModules.default
    ../iso/jetson.nix
  ];
  # An installer per architecture that media.json has hardware for.
  installer =
    system: hardware:
    lib.nixosSystem {
      modules = [
        ../iso
        admins
        { nixpkgs.hostPlatform = system; }
      ]
      ++ lib.optionals (lib.elem "jetson-orin-nano" hardware) jetson;
    };
in
{
  installers = lib.mapAttrs installer (lib.importJSON ../iso/media.json);
  virtual = {
    dev-vm = lib.nixosSystem {
      modules = [
        ../vms/dev-vm.nix
        { nixpkgs.hostPlatform = "x86_64-linux"; }
      ];
    };
    vm-k3s-agent = vm "agent-1";
    vm-k3s-server = vm "server-1";
  };
}
