# Facts that all hosts of a cluster share.
{ lib, ... }:
let
  inherit (lib) mkOption types;
  fact = type: description: mkOption { inherit description type; };
  facts = options: types.submodule { inherit options; };

  endpoint = facts {
    kind = fact (types.enum [
      "loadBalancer"
      "virtualIp"
    ]) "What answers at the endpoint.";
    name = fact types.str "DNS name of the API.";
    port = fact types.port "Port of the API.";
    address = fact (types.nullOr types.str) "The virtual IP; null for a load balancer.";
    balancer = fact (types.nullOr types.str) "Where the load balancer comes from; null for a virtual IP.";
    routerId = fact (types.nullOr (types.ints.between 1 255)) "VRRP id of the virtual IP.";
  };
  mesh = facts {
    range = fact types.str "Range of the mesh addresses.";
    port = fact types.port "UDP port of WireGuard.";
    mtu = fact (types.ints.between 576 9216) "MTU of the mesh interface.";
  };
  user = facts {
    keys = fact (types.listOf types.str) "SSH public keys.";
    admin = fact types.bool "Whether the account may use sudo.";
  };
  bucket = facts {
    name = fact types.str "Name of the bucket.";
    endpoint = fact types.str "Host and port of its service.";
    region = fact types.str "Its region.";
    folder = fact types.str "Folder of this cluster.";
    secret = fact types.str "Secret in kube-system with all of these and the credential.";
  };
  clock = types.strMatching "[0-2][0-9]:[0-5][0-9]";
  window = facts {
    days = fact (types.listOf types.str) "Days on which it opens.";
    opens = fact clock "Time of day, in the hosts' time zone.";
    closes = fact clock "Time of day, on the next one where it is earlier than the opening.";
  };
  probe = facts {
    name = fact types.str "Name of the probe.";
    command = fact types.str "Command that sh runs on the host; 0 is healthy.";
    timeoutSeconds = fact types.ints.positive "Limit of one run, in seconds.";
  };
  builder = facts {
    uri = fact types.str "The builder as Nix writes it.";
    hostKey = fact types.str "SSH host key of the builder.";
  };
  updates = facts {
    build = fact (types.enum [
      "auto"
      "builder"
      "here"
      "host"
    ]) "Where systems are built.";
    builder = fact (types.nullOr builder) "The machine that builds, where another than host and operator does.";
  };
in
{
  options = {
    name = fact types.str "Name of the cluster.";
    k3sVersion = fact (types.strMatching "v1\\.[0-9]+\\.[0-9]+\\+k3s[0-9]+") "Version that k3s must have.";
    seed = fact types.str "The server that forms the cluster.";
    servers = fact (types.attrsOf types.str) "Cluster addresses of the servers.";
    join = fact types.str "Address where a joining node finds the API.";
    endpoint = fact endpoint "Where the API answers.";
    podRange = fact types.str "Range of pod addresses.";
    serviceRange = fact types.str "Range of service addresses.";
    dnsAddress = fact types.str "Address of the cluster's DNS service.";
    clusterRange = fact types.str "Range of the cluster network.";
    mesh = fact (types.nullOr mesh) "The WireGuard mesh; null without one.";
    adminRanges = fact (types.listOf types.str) "Ranges that may use SSH and the API.";
    deployKey = fact types.str "SSH public key that installs and updates.";
    users = fact (types.attrsOf user) "Accounts on every host.";
    longhorn = fact types.bool "Whether hosts have what Longhorn needs: where it runs, and where storage is kept for it.";
    multus = fact types.bool "Whether Multus runs on the cluster.";
    timezone = fact types.str "Time zone of the hosts.";
    rolloutProbes = fact (types.listOf probe) "What a host must pass after an update.";
    reboot = fact (types.enum [
      "kernel"
      "never"
    ]) "When an update may reboot a host.";
    rebootWindow = fact (types.nullOr window) "When hosts may be rebooted; null at any time.";
    adminSudo = fact (types.enum [
      "key"
      "password"
    ]) "What sudo asks administrators for.";
    updates = fact updates "How systems come to the hosts.";
    watchdogMinutes = fact types.ints.positive "Minutes until an unconfirmed update is undone.";
    snapshotBucket = fact (types.nullOr bucket) "Where etcd's snapshots go beside the servers' disks; null: nowhere.";
  };
}
