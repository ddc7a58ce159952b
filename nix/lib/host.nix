# A host of a stack as a NixOS system: the contract's facts, the hardware module that it names, and the host's own file.
# `files` has the hosts' own files, in hosts/ and secrets/.
{
  inputs,
  nixosModules,
  files ? ../.,
}:
let
  fleetLib = import ./.;
  inherit (inputs.nixpkgs) lib;
  named = map (name: nixosModules.${name});
  base = named [
    "contract"
    "disks"
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
    stack: name:
    let
      setting = path: make: lib.optional (builtins.pathExists path) (make path);
      folder = files + "/hosts/${stack}-${name}";
      secrets = files + "/secrets/${stack}";
    in
    setting (folder + "/default.nix") (path: path)
    ++ setting (folder + "/facter.json") (path: {
      hardware.facter.reportPath = path;
    })
    ++ setting (secrets + "/${name}.yaml") (path: {
      nixfleet.secrets.file = path;
    })
    ++ setting (secrets + "/shared.yaml") (path: {
      nixfleet.secrets.shared = path;
    });
in
{
  modulesOf =
    { document, name }:
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
    ++ own document.stack name;
}
