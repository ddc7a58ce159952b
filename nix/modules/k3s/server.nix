# What a server has beside the addresses: etcd, API server and controllers. Sizes are for clusters of some dozen nodes.
{ config, lib, ... }:
let
  inherit (lib) mkOption types;
  cfg = config.nixfleet.k3s;
  isServer = cfg.enable && cfg.role == "server";
  misplaced = lib.attrNames (lib.filterAttrs (_: value: value != null) cfg.agentSettings);
in
{
  options.nixfleet.k3s = {
    disable = mkOption {
      type = types.listOf types.str;
      default = [
        "local-storage"
        "servicelb"
        "traefik"
      ];
      description = "Packaged components that are left out; the same on all servers.";
    };
    etcd = {
      heartbeatMs = mkOption {
        type = types.ints.positive;
        default = 500;
        description = "How often the leader is heard, in milliseconds: a turn between the farthest servers at least.";
      };
      electionMs = mkOption {
        type = types.ints.positive;
        default = 5000;
        description = "After how much silence a new leader is elected, in milliseconds: ten heartbeats or more.";
      };
    };
    snapshots = {
      schedule = mkOption {
        type = types.str;
        default = "0 */6 * * *";
        description = "When etcd is saved, in cron's notation.";
      };
      retention = mkOption {
        type = types.ints.positive;
        default = 28;
        description = "How many snapshots are kept: a week of them.";
      };
      s3Secret = mkOption {
        type = types.nullOr types.str;
        default = null;
        example = "etcd-s3";
        description = "Secret in kube-system with the bucket's settings; null keeps snapshots on the host only.";
      };
    };
    embeddedRegistry = mkOption {
      type = types.bool;
      default = true;
      description = "Nodes hand images to each other; the same on all servers.";
    };
  };

  config = lib.mkIf isServer {
    users.groups.k3s-admin = { };
    assertions = [
      {
        assertion = misplaced == [ ];
        message = "nixfleet.k3s.agentSettings sets ${lib.concatStringsSep ", " misplaced} on a server: a server does not start with an agent's flag: move it to the agents";
      }
    ];
    nixfleet.k3s.serverSettings = {
      inherit (cfg) disable;
      disable-cloud-controller = true;
      embedded-registry = cfg.embeddedRegistry;
      etcd-arg = [
        "auto-compaction-mode=periodic"
        "auto-compaction-retention=1h"
        "election-timeout=${toString cfg.etcd.electionMs}"
        "heartbeat-interval=${toString cfg.etcd.heartbeatMs}"
        "quota-backend-bytes=8589934592"
      ];
      etcd-expose-metrics = true;
      # Secrets of a bucket are no flags: with this one set, every other S3 flag is ignored.
      etcd-s3 = lib.mkIf (cfg.snapshots.s3Secret != null) true;
      etcd-s3-config-secret = cfg.snapshots.s3Secret;
      etcd-snapshot-compress = true;
      etcd-snapshot-retention = cfg.snapshots.retention;
      etcd-snapshot-schedule-cron = cfg.snapshots.schedule;
      kube-apiserver-arg = [
        "event-ttl=24h"
        "max-mutating-requests-inflight=200"
        "max-requests-inflight=800"
      ];
      kube-controller-manager-arg = [
        "node-cidr-mask-size=24"
        "node-monitor-grace-period=40s"
        "node-monitor-period=5s"
      ];
      secrets-encryption = true;
      write-kubeconfig-group = "k3s-admin";
      write-kubeconfig-mode = "0640";
    };
  };
}
