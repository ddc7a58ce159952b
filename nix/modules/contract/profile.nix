# A network profile, as in network/profiles/.
{ lib, ... }:
let
  inherit (lib) mkOption types;
  fact = type: description: mkOption { inherit description type; };
  facts = options: types.submodule { inherit options; };
  maybe = types.nullOr;
  mode = types.enum [
    "802.3ad"
    "active-backup"
    "balance-alb"
    "balance-rr"
    "balance-tlb"
    "balance-xor"
    "broadcast"
  ];

  bond = facts {
    name = fact types.str "Interface of the bond.";
    members = fact (types.listOf types.str) "Ports in the bond.";
    mode = fact mode "How the members share work.";
    primary = fact (maybe types.str) "Preferred member.";
    miimonMs = fact types.ints.unsigned "How often links are looked at, in milliseconds.";
  };
  lan = facts {
    link = fact types.str "Port or bond that carries the LAN.";
    vlan = fact (maybe (types.ints.between 1 4094)) "VLAN id; null is untagged.";
    subnet = fact types.str "IPv4 range.";
    gateway = fact (maybe types.str) "IPv4 router.";
    dns = fact (types.listOf types.str) "Resolvers.";
    mtu = fact (types.ints.between 576 9216) "MTU.";
    subnet6 = fact (maybe types.str) "IPv6 prefix.";
    gateway6 = fact (maybe types.str) "IPv6 router.";
  };
  node = facts {
    cluster = fact types.str "Address on the cluster LAN.";
    storage = fact (maybe types.str) "Address on the storage LAN.";
    vlans = fact (types.attrsOf types.ints.positive) "VLAN ids that differ: always a fault.";
    mac = fact (maybe types.str) "Hardware address.";
  };
  dhcp = facts {
    address = fact types.str "The server's address.";
    first = fact types.str "First address that is leased.";
    last = fact types.str "Last address that is leased.";
    leaseHours = fact types.ints.positive "Length of a lease in hours.";
    mac = fact (maybe types.str) "The server's hardware address.";
  };
in
{
  options = {
    name = fact types.str "Name of the profile.";
    description = fact types.str "What the topology is.";
    addressing = fact (types.enum [
      "dhcp"
      "static"
    ]) "How hosts get their addresses.";
    ports = fact (types.listOf types.str) "Names of the physical ports.";
    bond = fact (maybe bond) "Ports that act as one.";
    cluster = fact lan "The LAN of the cluster network.";
    storage = fact (maybe lan) "The LAN of the storage network.";
    nodes = fact (types.attrsOf node) "The profile's own example topology.";
    dhcp = fact (maybe dhcp) "The server that leases the addresses.";
  };
}
