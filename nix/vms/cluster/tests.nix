# The cluster tests by name.
{ make, profiles }:
let
  cluster = name: extra: make ({ name = "cluster-${name}"; } // extra);
  onProfile = profile: extra: cluster profile ({ profile = profiles.${profile}; } // extra);
  constrained =
    name: constraint: extra:
    cluster "constrained-${name}" (
      {
        inherit constraint;
        profile = profiles.simple;
        servers = 2;
      }
      // extra
    );
in
[
  (onProfile "simple" {
    servers = 2;
    extraPhases = [
      "storage_host"
      "storage_claim"
    ];
  })
  (cluster "uefi" {
    profile = profiles.simple;
    uefi = true;
  })
  (onProfile "vlans" { servers = 2; })
  (onProfile "bonding-vlans" {
    servers = 2;
    extraPhases = [ "bond_failover" ];
  })
  (onProfile "dhcp-simple" { servers = 2; })
  # A line of 100 ms there and back: etcd's advice is a heartbeat of one such turn, and an election of ten.
  (constrained "latency" "delay 50ms 10ms" {
    etcd = {
      electionMs = 10000;
      heartbeatMs = 1000;
    };
  })
  (constrained "loss" "loss 5%" { })
  (constrained "bandwidth" "rate 10mbit" { })
  (constrained "combined" "rate 20mbit delay 30ms loss 1%" { })
]
