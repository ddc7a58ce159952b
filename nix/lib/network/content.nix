# What a LAN puts on the interface that carries it: address, routes and name servers, or how it is leased.
{
  address,
  addressOn,
  entry,
  optional,
  section,
}:
let
  static =
    facts: lan:
    let
      value = addressOn facts lan;
      hasSix = lan.subnet6 != null;
    in
    {
      network = [
        (entry "DHCP" "no")
        (entry "IPv6AcceptRA" false)
        (entry "LinkLocalAddressing" (if hasSix then "ipv6" else "no"))
      ]
      ++ map (entry "DNS") lan.dns;
      sections =
        if value == null then
          [ ]
        else
          [ (section "Address" [ (entry "Address" (address.within lan.subnet value)) ]) ]
          ++ optional hasSix (section "Address" [ (entry "Address" (address.within6 lan.subnet6 value)) ])
          ++ optional (lan.gateway != null) (section "Route" [ (entry "Gateway" lan.gateway) ])
          ++ optional (lan.gateway6 != null) (section "Route" [ (entry "Gateway" lan.gateway6) ]);
    };

  # A lease may bring the address; the LAN's other facts stay the profile's.
  leased = lan: {
    network = [
      (entry "DHCP" "ipv4")
      (entry "IPv6AcceptRA" (lan.subnet6 != null))
      (entry "LinkLocalAddressing" (if lan.subnet6 == null then "no" else "ipv6"))
    ]
    ++ map (entry "DNS") lan.dns;
    sections = [ (section "DHCPv4" [ (entry "ClientIdentifier" "mac") ]) ];
  };
in
facts: lan: if facts.host.profile.addressing == "dhcp" then leased lan else static facts lan
