# A host of a stack as a NixOS system: the contract's facts, the hardware module that it names, and the host's own file.
{ inputs, nixosModules }:
let
  fleetLib = import ./.;
  inherit (inputs.nixpkgs) lib;
  named = map (name: nixosModules.${name});
  base = named [
    "contract"
    "disks"
    "hardware-facter"
    "impermanence"
    "k3s"
    "longhorn"
    "multus"
    "network"
    "profile-server"
    "secrets"
    "status"
    "update-guard"
    "virtual-ip"
  ];
  hardwareOf =
    name: host:
    nixosModules."hardware-${host.hardware}"
      or (throw "host ${name}: hardware is ${host.hardware}: no module hardware-${host.hardware} in modules/default.nix: use another or write it");
  # What a host has beside its entry, each only where the file exists.
  own =
    folder: name:
    let
      path = file: folder + "/${name}/${file}";
    in
    lib.optional (builtins.pathExists (path "default.nix")) (path "default.nix")
    ++ lib.optional (builtins.pathExists (path "facter.json")) {
      nixfleet.hardware.report = path "facter.json";
    }
    ++ lib.optional (builtins.pathExists (path "secrets.yaml")) {
      nixfleet.secrets.file = path "secrets.yaml";
    };
in
{
  modulesOf =
    {
      document,
      name,
      folder ? ../hosts,
    }:
    let
      fleet = fleetLib.contract.forHost document name;
    in
    base
    ++ [
      (hardwareOf name fleet.hosts.${name})
      {
        _file = "contract of stack ${document.stack}";
        config = {
          inherit fleet;
          nixfleet.name = name;
        };
      }
    ]
    ++ own folder name;
}
