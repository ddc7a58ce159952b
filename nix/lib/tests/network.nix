# Network profiles and their units, for the shapes that the stored profiles do not have.
{ network, ... }:
let
  profiles = network.profiles ../../network/profiles;
  cluster = {
    mesh = null;
    endpoint = {
      kind = "loadBalancer";
      port = 6443;
    };
  };
  host = {
    address = "192.168.200.1";
    kind = "bare-metal";
    ports = { };
    privateAddress = null;
    profile = profiles.bonding-vlans;
    role = "server";
    sshAddress = null;
    storageAddress = "192.168.100.1";
  };
  unitsOf =
    changed:
    network.unitsOf {
      inherit cluster;
      host = host // changed;
    };
  namesOf = changed: map (unit: unit.name) (unitsOf changed);
  valuesOf =
    key: units:
    map (entry: entry.value) (
      builtins.filter (entry: entry.key == key) (
        builtins.concatMap (section: section.entries) (builtins.concatMap (unit: unit.sections) units)
      )
    );
  change = profile: parts: profiles.${profile} // parts;
  flat = {
    address = "192.168.1.1";
    profile = profiles.simple;
    storageAddress = null;
  };
  lan = profiles.simple.cluster;
  faults = network.faultsOf;
  isData =
    value:
    builtins.typeOf value != "lambda"
    && (!(builtins.isAttrs value) || builtins.all isData (builtins.attrValues value));
in
{
  "the stored profiles are pure data" = {
    expr = builtins.all isData (builtins.attrValues profiles);
    expected = true;
  };
  "every stored profile but the broken one holds" = {
    expr = builtins.filter (name: faults profiles.${name} != [ ]) (builtins.attrNames profiles);
    expected = [ "vlans-broken" ];
  };
  "a node with a VLAN id of its own is a fault" = {
    expr = builtins.head (faults profiles.vlans-broken);
    expected = "network profile vlans-broken: nodes.agent-1.vlans.cluster is 202: all nodes of a LAN have one VLAN id, here 200: remove the node's own id";
  };
  "two nodes with one address are a fault" = {
    expr = builtins.length (
      faults (
        change "simple" {
          nodes = profiles.simple.nodes // {
            other = profiles.simple.nodes.server-1;
          };
        }
      )
    );
    expected = 1;
  };
  "a member that is no port, a second time a member, and a primary that is none are faults" = {
    expr = builtins.length (
      faults (
        change "bonding-vlans" {
          bond = profiles.bonding-vlans.bond // {
            members = [
              "eth1"
              "eth1"
              "eth9"
            ];
            primary = "eth2";
          };
        }
      )
    );
    expected = 3;
  };
  "LANs that overlap are a fault" = {
    expr = faults (
      change "vlans" {
        nodes = { };
        storage = profiles.vlans.storage // {
          subnet = "192.168.200.128/25";
        };
      }
    );
    expected = [
      "network profile vlans: storage.subnet is 192.168.200.128/25: the LANs' ranges do not overlap: move it away from 192.168.200.0/24"
    ];
  };
  "a bond with VLANs has a device, its members, itself and its VLANs" = {
    expr = namesOf { };
    expected = [
      "10-bond0.netdev"
      "10-eth1.network"
      "10-eth2.network"
      "20-bond0.network"
      "30-bond0.200.netdev"
      "30-bond0.200.network"
      "30-bond0.100.netdev"
      "30-bond0.100.network"
    ];
  };
  "a bond without VLANs carries the address itself" = {
    expr = valuesOf "Address" (unitsOf {
      address = "10.0.1.11";
      profile = change "lab-bond" { storage = null; };
      storageAddress = null;
    });
    expected = [ "10.0.1.11/24" ];
  };
  "leased addresses are not written down" = {
    expr = [
      (valuesOf "Address" (unitsOf (flat // { profile = profiles.dhcp-simple; })))
      (valuesOf "DHCP" (unitsOf (flat // { profile = profiles.dhcp-simple; })))
    ];
    expected = [
      [ ]
      [ "ipv4" ]
    ];
  };
  "MTU, gateways, resolvers and IPv6 are the LAN's" = {
    expr =
      let
        units = unitsOf (
          flat
          // {
            profile = change "simple" {
              cluster = lan // {
                dns = [ "192.168.1.254" ];
                gateway = "192.168.1.254";
                gateway6 = "fd00:1::1";
                mtu = 9000;
                subnet6 = "fd00:1::/64";
              };
            };
          }
        );
      in
      map (key: valuesOf key units) [
        "Address"
        "DNS"
        "Gateway"
        "MTUBytes"
      ];
    expected = [
      [
        "192.168.1.1/24"
        "fd00:1::c0a8:101/64"
      ]
      [ "192.168.1.254" ]
      [
        "192.168.1.254"
        "fd00:1::1"
      ]
      [ "9000" ]
    ];
  };
  "a card that is known by its hardware address is matched by it, and gets a name that the kernel does not use" =
    {
      expr =
        let
          units = unitsOf (flat // { ports.eth1 = "00:00:5e:00:53:01"; });
        in
        [
          (valuesOf "PermanentMACAddress" units)
          (valuesOf "Name" units)
        ];
      expected = [
        [
          "00:00:5e:00:53:01"
          "00:00:5e:00:53:01"
        ]
        [ "lan-eth1" ]
      ];
    };
  "networkd leaves a virtual IP alone, where one may be" = {
    expr =
      let
        kept =
          role: profile:
          map (unit: unit.name) (
            builtins.filter (unit: valuesOf "KeepConfiguration" [ unit ] == [ "static" ]) (
              network.unitsOf {
                cluster = cluster // {
                  endpoint.kind = "virtualIp";
                };
                host = host // {
                  inherit profile role;
                };
              }
            )
          );
      in
      [
        (kept "server" profiles.bonding-vlans)
        (kept "server" (profiles.simple // { storage = null; }))
        (kept "agent" profiles.bonding-vlans)
        (valuesOf "KeepConfiguration" (unitsOf { }))
      ];
    expected = [
      [ "30-bond0.200.network" ]
      [ "20-eth1.network" ]
      [ ]
      [ ]
    ];
  };
  "a host on a provider's networks finds its cards by their slots" = {
    expr = namesOf {
      kind = "hcloud";
      privateAddress = "10.20.0.11";
      profile = null;
    };
    expected = [
      "10-public.link"
      "20-public.network"
      "10-private.link"
      "20-private.network"
      "90-any.network"
    ];
  };
  "a host on a mesh has the mesh's address on the mesh, and its own on the LAN" = {
    expr = valuesOf "Address" (
      network.unitsOf {
        cluster = cluster // {
          mesh = {
            mtu = 1380;
            port = 51820;
            range = "10.90.0.0/24";
          };
        };
        host =
          host
          // flat
          // {
            address = "10.90.0.21";
            sshAddress = "192.168.1.21";
          };
      }
    );
    expected = [
      "192.168.1.21/24"
      "10.90.0.21/24"
    ];
  };
  "a section's repeated key becomes a list, a repeated section a list of sets" = {
    expr =
      (network.toOptions [
        {
          name = "20-x.network";
          sections = [
            {
              name = "Network";
              entries = [
                {
                  key = "DNS";
                  value = "1.1.1.1";
                }
                {
                  key = "DNS";
                  value = "9.9.9.9";
                }
              ];
            }
            {
              name = "Route";
              entries = [
                {
                  key = "Gateway";
                  value = "10.0.0.1";
                }
              ];
            }
          ];
        }
      ]).networks."20-x";
    expected = {
      networkConfig.DNS = [
        "1.1.1.1"
        "9.9.9.9"
      ];
      routes = [ { Gateway = "10.0.0.1"; } ];
    };
  };
}
