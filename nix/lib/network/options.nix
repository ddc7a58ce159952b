# Units to the value of NixOS' systemd.network.
let
  # Sections that may repeat are lists there, the others are one set.
  repeated = {
    Address = "addresses";
    Route = "routes";
  };
  single = {
    Bond = "bondConfig";
    DHCPv4 = "dhcpV4Config";
    IPv6AcceptRA = "ipv6AcceptRAConfig";
    Link = "linkConfig";
    Match = "matchConfig";
    NetDev = "netdevConfig";
    Network = "networkConfig";
    VLAN = "vlanConfig";
  };

  # A key that repeats in a section becomes a list.
  setOf = entries: builtins.mapAttrs (_: oneOrAll) (builtins.groupBy (entry: entry.key) entries);
  oneOrAll =
    entries:
    if builtins.length entries == 1 then
      (builtins.head entries).value
    else
      map (entry: entry.value) entries;

  addSection =
    option: section:
    if repeated ? ${section.name} then
      let
        list = repeated.${section.name};
      in
      option // { ${list} = (option.${list} or [ ]) ++ [ (setOf section.entries) ]; }
    else
      option // { ${single.${section.name}} = setOf section.entries; };

  optionOf = unit: builtins.foldl' addSection { } unit.sections;

  parts = unit: builtins.match "(.*)\\.(link|netdev|network)" unit.name;
  ofKind =
    kind: units:
    builtins.listToAttrs (
      map (unit: {
        name = builtins.head (parts unit);
        value = optionOf unit;
      }) (builtins.filter (unit: builtins.elemAt (parts unit) 1 == kind) units)
    );
in
units: {
  links = ofKind "link" units;
  netdevs = ofKind "netdev" units;
  networks = ofKind "network" units;
}
