# What k3s must know of the network: flags by the same facts as the interfaces, for both roles.
{ units }:
{
  cluster,
  host,
  name,
}:
let
  interface = units.clusterInterface { inherit cluster host; };
  isServer = host.role == "server";
  isSeed = name == cluster.seed;
  join = "https://${cluster.join}:${toString cluster.endpoint.port}";
  optional = condition: value: if condition then [ value ] else [ ];
in
{
  # Who is asked in turn before a joining node starts. A virtual IP moves by itself; the seed forms or joins on its own terms.
  joinThrough =
    if isSeed || cluster.endpoint.kind == "virtualIp" then
      [ ]
    else
      builtins.attrValues (removeAttrs cluster.servers [ name ]);

  shared = {
    node-name = name;
    node-ip = [ host.address ];
  }
  // (if interface == null then { } else { flannel-iface = interface; })
  // (if isSeed then { } else { server = join; });

  server =
    if !isServer then
      { }
    else
      {
        advertise-address = host.address;
        # Every server's certificate names all ways to the API: any of them may answer.
        tls-san = [
          cluster.endpoint.name
        ]
        ++ optional (cluster.endpoint.address != null) cluster.endpoint.address
        ++ builtins.attrValues cluster.servers;
        cluster-cidr = [ cluster.podRange ];
        service-cidr = [ cluster.serviceRange ];
        cluster-dns = [ cluster.dnsAddress ];
        # The mesh already encrypts; on any other network flannel does.
        flannel-backend = if cluster.mesh == null then "wireguard-native" else "vxlan";
      }
      // (if isSeed then { cluster-init = true; } else { });
}
