# The laws of a network profile: every fault as a message, none where the profile holds.
{ address }:
profile:
let
  fault =
    path: value: law: cure:
    "network profile ${profile.name}: ${path} is ${toString value}: ${law}: ${cure}";
  when = condition: message: if condition then [ message ] else [ ];
  unique = list: builtins.attrNames (builtins.groupBy (item: item) list);
  hasTwins = list: builtins.length (unique list) != builtins.length list;
  joined = builtins.concatStringsSep ", ";

  kinds = [
    "cluster"
    "storage"
  ];
  lans = builtins.filter (kind: profile.${kind} != null) kinds;
  nodes = profile.nodes or { };
  nodeNames = builtins.attrNames nodes;
  inherit (profile) bond ports;
  links = ports ++ (if bond == null then [ ] else [ bond.name ]);

  vlanFaults =
    node: kind:
    let
      own = (nodes.${node}.vlans or { }).${kind} or null;
      shared = profile.${kind}.vlan;
    in
    when (own != null && own != shared) (
      fault "nodes.${node}.vlans.${kind}" own
        "all nodes of a LAN have one VLAN id, here ${toString shared}"
        "remove the node's own id"
    );

  addressesOn =
    kind: builtins.filter (value: value != null) (map (node: nodes.${node}.${kind} or null) nodeNames);

  lanFaults =
    kind:
    let
      lan = profile.${kind};
      outside = builtins.filter (value: !address.contains lan.subnet value) (
        addressesOn kind ++ (if lan.gateway == null then [ ] else [ lan.gateway ])
      );
    in
    when (!builtins.elem lan.link links) (
      fault "${kind}.link" lan.link "a LAN lies on a port or on the bond" "use one of ${joined links}"
    )
    ++ when (hasTwins (addressesOn kind)) (
      fault "nodes" (joined (
        addressesOn kind
      )) "each node has an ${kind} address of its own" "give each another one"
    )
    ++ map (
      value:
      fault kind value "addresses lie in the LAN's range ${lan.subnet}" "use an address of the range"
    ) outside
    ++ builtins.concatMap (node: vlanFaults node kind) nodeNames;

  bondFaults =
    if bond == null then
      [ ]
    else
      when (hasTwins bond.members) (
        fault "bond.members" (joined bond.members) "a port is a member once" "remove the second one"
      )
      ++ map (
        member:
        fault "bond.members" member "members are ports of the profile" "use ports of ${joined ports}"
      ) (builtins.filter (member: !builtins.elem member ports) bond.members)
      ++ when (bond.primary != null && !builtins.elem bond.primary bond.members) (
        fault "bond.primary" bond.primary "the primary is a member" "use one of ${joined bond.members}"
      );

  pairFaults =
    when (profile.storage != null && address.overlap profile.cluster.subnet profile.storage.subnet)
      (
        fault "storage.subnet" profile.storage.subnet "the LANs' ranges do not overlap"
          "move it away from ${profile.cluster.subnet}"
      );
in
builtins.concatMap lanFaults lans ++ bondFaults ++ pairFaults
