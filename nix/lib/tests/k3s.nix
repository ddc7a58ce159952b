# Flags by role.
{
  exampleContract,
  k3s,
  network,
  ...
}:
let
  profiles = network.profiles ../../network/profiles;
  document = exampleContract {
    agents = 1;
    profile = profiles.vlans;
    servers = 2;
  };
  flagsOf =
    name:
    k3s {
      inherit (document) cluster;
      inherit name;
      host = document.hosts.${name};
    };
in
{
  "only the seed forms the cluster, and it joins nobody" = {
    expr = map (name: {
      init = (flagsOf name).server.cluster-init or false;
      server = (flagsOf name).shared.server or null;
    }) (builtins.attrNames document.hosts);
    expected = [
      {
        init = false;
        server = "https://192.168.200.1:6443";
      }
      {
        init = true;
        server = null;
      }
      {
        init = false;
        server = "https://192.168.200.1:6443";
      }
    ];
  };
  "who joins asks every other server in turn, the seed nobody" = {
    expr = map (name: (flagsOf name).joinThrough) (builtins.attrNames document.hosts);
    expected = [
      [
        "192.168.200.1"
        "192.168.200.2"
      ]
      [ ]
      [ "192.168.200.1" ]
    ];
  };
  "a virtual IP is joined through itself" = {
    expr =
      (k3s {
        cluster = document.cluster // {
          endpoint = document.cluster.endpoint // {
            kind = "virtualIp";
          };
        };
        host = document.hosts.agent-1;
        name = "agent-1";
      }).joinThrough;
    expected = [ ];
  };
  "an agent has no flag of a server" = {
    expr = (flagsOf "agent-1").server;
    expected = { };
  };
  "pods go over the interface that has the node's address" = {
    expr = (flagsOf "agent-1").shared;
    expected = {
      flannel-iface = "eth1.200";
      node-ip = [ "192.168.200.3" ];
      node-name = "agent-1";
      server = "https://192.168.200.1:6443";
    };
  };
  "every server's certificate names the endpoint and all servers" = {
    expr = (flagsOf "server-2").server.tls-san;
    expected = [
      "api.example.test"
      "192.168.200.1"
      "192.168.200.2"
    ];
  };
}
