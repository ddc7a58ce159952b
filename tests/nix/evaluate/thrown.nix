# Contracts that are refused before any module sees them: evaluating one of these is the error itself.
tree:
let
  lib = tree.nixpkgs;
  document = tree.contracts.lab;
  entryOf =
    changed: name:
    (tree.hostSystem {
      inherit name;
      document = changed;
    }).config.nixfleet.host.address;
  clusterOf =
    changed:
    (tree.hostSystem {
      name = "n100-1";
      document = changed;
    }).config.fleet.cluster.name;
  change = lib.recursiveUpdate document;
in
{
  missing-key = entryOf (
    document // { hosts.n100-1 = removeAttrs document.hosts.n100-1 [ "address" ]; }
  ) "n100-1";
  stranger = entryOf document "n100-9";
  unknown-cluster-key = clusterOf (change {
    cluster.colour = "red";
  });
  unknown-hardware = entryOf (change { hosts.n100-1.hardware = "pentium"; }) "n100-1";
  unknown-host-key = entryOf (change { hosts.n100-1.colour = "red"; }) "n100-1";
  unknown-node =
    (tree.fleetLib.exampleContract {
      profile = tree.profiles.simple;
      servers = 9;
    }).hosts.server-9.address;
  wrong-address = builtins.toJSON (
    tree.fleetLib.network.unitsOf {
      inherit (document) cluster;
      host = document.hosts.n100-1 // {
        address = "10.9.9.9";
      };
    }
  );
  wrong-type =
    (tree.hostSystem {
      name = "n100-1";
      document = change { hosts.n100-1.storage = "yes"; };
    }).config.nixfleet.host.storage;
}
