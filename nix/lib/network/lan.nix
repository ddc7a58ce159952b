# Units of a host on LANs that a network profile describes: ports, bond, VLANs. The profile's laws are in faults.nix.
{
  address,
  entry,
  section,
}:
let
  bondUnits = import ./bond.nix {
    inherit
      entry
      linkSection
      matchPort
      mtu
      section
      ;
  };
  # What a LAN puts on whatever carries it.
  content = import ./content.nix {
    inherit
      address
      addressOn
      entry
      optional
      section
      ;
  };
  lans =
    profile:
    builtins.filter (lan: lan != null) [
      profile.cluster
      profile.storage
    ];
  maximum = builtins.foldl' (a: b: if a > b then a else b) 0;
  optional = condition: value: if condition then [ value ] else [ ];

  # The kernel hands out ethN itself, so a card cannot be given such a name.
  isKernelName = port: builtins.match "eth[0-9]+" port != null;
  macOf = host: port: host.ports.${port} or null;
  portInterface =
    host: port: if macOf host port != null && isKernelName port then "lan-${port}" else port;
  matchPort =
    host: port:
    section "Match" [
      (
        if macOf host port == null then entry "Name" port else entry "PermanentMACAddress" (macOf host port)
      )
    ];

  bondOf =
    profile:
    if profile.bond == null then
      {
        members = [ ];
        name = null;
      }
    else
      profile.bond;
  isBond = profile: link: link == (bondOf profile).name;
  interfaceOf =
    host: lan:
    if lan.vlan != null then
      "${lan.link}.${toString lan.vlan}"
    else if isBond host.profile lan.link then
      lan.link
    else
      portInterface host lan.link;

  # Where hosts meet on a mesh, the LAN carries the address that SSH uses.
  addressOn =
    { cluster, host }:
    lan:
    if lan == host.profile.storage then
      host.storageAddress
    else if cluster.mesh == null then
      host.address
    else
      host.sshAddress;

  mtu = bytes: if bytes == 1500 then [ ] else [ (entry "MTUBytes" (toString bytes)) ];
  online = required: entry "RequiredForOnline" required;
  linkSection = bytes: required: section "Link" (mtu bytes ++ [ (online required) ]);

  quiet = [
    (entry "DHCP" "no")
    (entry "IPv6AcceptRA" false)
    (entry "LinkLocalAddressing" "no")
  ];

  linkUnits =
    host: port:
    optional (macOf host port != null) {
      name = "10-${port}.link";
      sections = [
        (section "Match" [ (entry "PermanentMACAddress" (macOf host port)) ])
        (section "Link" [ (entry "Name" (portInterface host port)) ])
      ];
    };

  # Where keepalived has an address beside networkd's own, a restart of networkd must not take it away.
  keeps =
    { cluster, host }:
    lan:
    optional (
      lan == host.profile.cluster && host.role == "server" && cluster.endpoint.kind == "virtualIp"
    ) (entry "KeepConfiguration" "static");

  # A port or bond: its untagged LANs' addresses, and the VLANs on top.
  carrier =
    facts: link:
    let
      inherit (facts) host;
      inherit (host) profile;
      here = builtins.filter (lan: lan.link == link) (lans profile);
      untagged = builtins.filter (lan: lan.vlan == null) here;
      contents = map (content facts) untagged;
      required = builtins.any (lan: lan == profile.cluster) untagged;
      vlans = map (lan: entry "VLAN" (interfaceOf host lan)) (
        builtins.filter (lan: lan.vlan != null) here
      );
      network =
        if contents == [ ] then
          quiet
        else
          (builtins.head contents).network ++ builtins.concatMap (keeps facts) untagged;
    in
    {
      name = "20-${link}.network";
      sections = [
        (if isBond profile link then section "Match" [ (entry "Name" link) ] else matchPort host link)
        (linkSection (maximum (map (lan: lan.mtu) here)) required)
        (section "Network" (network ++ vlans))
      ]
      ++ builtins.concatMap (found: found.sections) contents;
    };

  vlanUnits =
    facts: lan:
    let
      name = interfaceOf facts.host lan;
      found = content facts lan;
    in
    [
      {
        name = "30-${name}.netdev";
        sections = [
          (section "NetDev" (
            [
              (entry "Name" name)
              (entry "Kind" "vlan")
            ]
            ++ mtu lan.mtu
          ))
          (section "VLAN" [ (entry "Id" lan.vlan) ])
        ];
      }
      {
        name = "30-${name}.network";
        sections = [
          (section "Match" [ (entry "Name" name) ])
          (linkSection lan.mtu (lan == facts.host.profile.cluster))
          (section "Network" (found.network ++ keeps facts lan))
        ]
        ++ found.sections;
      }
    ];
in
{
  inherit interfaceOf;

  unitsOf =
    facts:
    let
      inherit (facts.host) profile;
      links = builtins.attrNames (
        builtins.listToAttrs (
          map (lan: {
            name = lan.link;
            value = null;
          }) (lans profile)
        )
      );
      tagged = builtins.filter (lan: lan.vlan != null) (lans profile);
    in
    builtins.concatMap (linkUnits facts.host) profile.ports
    ++ bondUnits facts.host (lans profile)
    ++ map (carrier facts) links
    ++ builtins.concatMap (vlanUnits facts) tagged;
}
