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
  # Milliseconds of etcd's heartbeat and of an election; as on hosts.
  etcd ? { },
  # Images come with the machines, and nothing leads out of them.
  airgap ? true,
  # Started by UEFI and a boot loader; without, by the kernel that the driver gives.
  uefi ? false,
  # Further phases, run last.
  extraPhases ? [ ],
}:
let
  fleetLib = import ../../lib;
  document = fleetLib.exampleContract { inherit agents profile servers; };
  host = import ../../lib/host.nix { inherit inputs nixosModules; };
  names = lib.attrNames document.hosts;
  facts = {
    inherit airgap constraint sequentialJoin;
    firmware = if uefi then "uefi" else "bios";
    etcd = {
      heartbeat-interval = timing.heartbeatMs;
      election-timeout = timing.electionMs;
    };
    stranger =
      if profile.cluster.vlan == null then
        null
      else
        {
          address = fleetLib.address.within profile.cluster.subnet profile.nodes.${spare}.cluster;
          interface = "wrong";
          link = lib.head profile.ports;
          vlan = profile.cluster.vlan + 1;
        };
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
  # A node of the profile that this test has no machine for.
  spare = lib.head (lib.subtractLists names (lib.attrNames profile.nodes));
  timing = {
    heartbeatMs = 500;
    electionMs = 5000;
  }
  // etcd;
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
    nixfleet.k3s.etcd = etcd;
    nixfleet.testMachine = {
      inherit
        airgap
        cores
        memoryMib
        uefi
        ;
      number = lib.lists.findFirstIndex (other: other == node) null names;
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
  stranger = {
    imports = [ ./stranger.nix ];
    nixfleet.stranger = facts.stranger;
  };
  phases = lib.concatMapStrings (file: builtins.readFile (./phases + "/${file}.py")) [
    "machines"
    "network"
    "cluster"
    "storage"
  ];
  inOrder = [
    "boot"
    "firmware"
    "network"
    "air_gap"
    "vlan_tags"
    "storage_network"
    "isolation"
    "wrong_vlan"
    "constrain"
    "form"
    "join"
    "etcd"
    "core_dns"
    "status"
  ]
  ++ extraPhases;
in
{
  inherit document facts name;
  nodes =
    lib.genAttrs names machine
    // lib.optionalAttrs isLeased { leases = leaseServer; }
    // lib.optionalAttrs (facts.stranger != null) { stranger = stranger; };
  testScript = ''
    import json

    FACTS = json.loads(${"'''" + builtins.toJSON facts + "'''"})
    MACHINES = {machine.name: machine for machine in machines}
  ''
  + phases
  + lib.concatMapStrings (phase: ''
    with subtest("${phase}"):
        ${phase}()
  '') inOrder;
}
