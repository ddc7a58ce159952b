# The cluster tests by name.
{ make, profiles }:
let
  cluster = name: extra: make ({ inherit name; } // extra);
  onProfile =
    profile: extra: cluster "cluster-${profile}" ({ profile = profiles.${profile}; } // extra);
  constrained =
    name: constraint:
    cluster "cluster-constrained-${name}" {
      inherit constraint;
      profile = profiles.simple;
      servers = 2;
    };
in
[
  (onProfile "simple" {
    servers = 2;
    extraPhases = [ "storage_host" ];
  })
  (onProfile "vlans" { servers = 2; })
  (onProfile "bonding-vlans" { extraPhases = [ "bond_failover" ]; })
  (onProfile "dhcp-simple" { })
  (constrained "latency" "delay 50ms 10ms")
  (constrained "loss" "loss 5%")
  (constrained "bandwidth" "rate 10mbit")
  (constrained "combined" "rate 20mbit delay 30ms loss 1%")
]
