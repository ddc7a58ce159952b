# A cluster of test machines on one network profile. The machines are hosts of an example contract: the modules that run
# in it are the ones that real hosts run. It needs KVM to run; to evaluate it needs nothing.
{
  inputs,
  lib,
  nixosModules,
}:
{
  name,
  profile,
  servers ? 1,
  agents ? 1,
  memoryMib ? 3072,
  cores ? 2,
  # Machines join one after the other: two that join at once can cost a small etcd its quorum.
  sequentialJoin ? true,
  # Words for `tc qdisc ... netem`; empty leaves the line as it is.
  constraint ? "",
  # Further phases of phases.py, run last.
  extraPhases ? [ ],
}:
let
  fleetLib = import ../../lib;
  document = fleetLib.exampleContract { inherit agents profile servers; };
  host = import ../../lib/host.nix { inherit inputs nixosModules; };
  names = lib.attrNames document.hosts;
  facts = {
    inherit constraint extraPhases sequentialJoin;
    agents = lib.filter (lib.hasPrefix "agent-") names;
    servers = lib.filter (lib.hasPrefix "server-") names;
    inherit (profile) bond;
    interfaces = {
      cluster = fleetLib.network.clusterInterface {
        inherit (document) cluster;
        host = document.hosts.server-1;
      };
      storage = fleetLib.network.storageInterface document.hosts.server-1;
    };
    hosts = lib.mapAttrs (_: one: { inherit (one) address storageAddress; }) document.hosts;
    vlans = lib.mapAttrs (_: lan: lan.vlan) (
      lib.filterAttrs (_: lan: lan != null && lan.vlan != null) { inherit (profile) cluster storage; }
    );
  };
  isLeased = profile.addressing == "dhcp";
  machine = node: {
    imports =
      host.modulesOf {
        inherit document;
        name = node;
      }
      ++ [
        ../secrets.nix
        ./machine.nix
      ];
    nixfleet.testMachine = {
      inherit cores memoryMib;
      startsK3s = !sequentialJoin;
      inherit (profile) ports;
      mac = if isLeased then profile.nodes.${node}.mac else null;
    };
  };
  # Hands out the addresses that the profile reserves.
  leaseServer = {
    imports = [ ./lease-server.nix ];
    nixfleet.leaseServer = { inherit profile; };
  };
in
{
  inherit document name;
  nodes = lib.genAttrs names machine // lib.optionalAttrs isLeased { leases = leaseServer; };
  testScript = ''
    import json

    FACTS = json.loads(${"'''" + builtins.toJSON facts + "'''"})
    MACHINES = {machine.name: machine for machine in machines}
  ''
  + builtins.readFile ./phases.py;
}
