# The one place where facts of the contract become options of this tree's modules.
{ config, lib, ... }:
let
  cfg = config.nixfleet;
  inherit (config.fleet) cluster;
  inherit (cfg) host;
  # Only what addresses and flags depend on: probes and users must not look like network facts.
  facts = {
    inherit host;
    cluster = {
      inherit (cluster)
        clusterRange
        dnsAddress
        endpoint
        join
        mesh
        podRange
        seed
        serviceRange
        servers
        ;
    };
  };
  flags = (import ../../lib).k3s (facts // { inherit (cfg) name; });
  taint = t: "${t.key}${lib.optionalString (t.value != "") "=${t.value}"}:${t.effect}";
in
{
  networking.hostName = cfg.name;
  nixpkgs.hostPlatform = host.arch;
  time.timeZone = cluster.timezone;
  boot.kernelParams =
    host.tuning.kernelParams ++ lib.optional (!host.tuning.mitigations) "mitigations=off";
  zramSwap = {
    enable = host.tuning.zramPercent > 0;
    memoryPercent = lib.mkIf (host.tuning.zramPercent > 0) host.tuning.zramPercent;
  };

  nixfleet = {
    admins = {
      inherit (cluster) deployKey users;
      sudo = cluster.adminSudo;
      ranges = cluster.adminRanges;
    };
    disk = {
      inherit (host) labelPrefix;
      data = lib.mapNullable (data: { inherit (data) device layout; }) host.dataDisk;
      inherit (host.disk)
        device
        layout
        sizeGib
        unstablePath
        ;
      longhorn =
        if !host.storage then
          "none"
        else if host.volumeSizeGib != null then
          "volume"
        else
          "partition";
    };
    identity = {
      inherit (config.fleet) stack;
      inherit (host) hostKey kind;
    };
    k3s = {
      enable = true;
      inherit (host) role;
      version = cluster.k3sVersion;
      settings = flags.shared // {
        # Taints from the first moment on, so that no pod comes before them. Labels are the program's alone: what a
        # kubelet registers with is the kubelet's as well, and would outlive its removal from the stack file.
        node-taint = map taint host.taints;
      };
      serverSettings = lib.mkIf (host.role == "server") flags.server;
      peers = lib.optionals (cfg.name == cluster.seed) (
        lib.attrValues (removeAttrs cluster.servers [ cfg.name ])
      );
      inherit (cluster.endpoint) balancer;
      snapshots.s3Secret = lib.mapNullable (bucket: bucket.secret) cluster.snapshotBucket;
      inherit (flags) joinThrough;
      nodeRange = cluster.clusterRange;
      servers = lib.attrValues cluster.servers;
      memoryMaxGib = lib.mkIf (host.tuning.k3sMemoryMaxGib != null) host.tuning.k3sMemoryMaxGib;
    };
    longhorn.enable = cluster.longhorn;
    multus.enable = cluster.multus;
    network = { inherit facts; };
    virtualIp = lib.mkIf (host.role == "server" && cluster.endpoint.kind == "virtualIp") {
      enable = true;
      inherit (cluster.endpoint) address port routerId;
    };
  };
}
