# The API server's audit log: who changed what. Reading is not logged, secrets' contents never are.
{
  config,
  lib,
  pkgs,
  ...
}:
let
  cfg = config.nixfleet.k3s;
  policy = (pkgs.formats.yaml { }).generate "audit-policy.yaml" cfg.auditPolicy;
in
{
  options.nixfleet.k3s.auditPolicy = lib.mkOption {
    type = lib.types.attrsOf lib.types.anything;
    default = {
      apiVersion = "audit.k8s.io/v1";
      kind = "Policy";
      omitStages = [ "RequestReceived" ];
      rules = [
        {
          level = "None";
          verbs = [
            "get"
            "list"
            "watch"
          ];
        }
        {
          level = "Metadata";
        }
      ];
    };
    description = "Audit policy of the API server.";
  };

  config = lib.mkIf (cfg.enable && cfg.role == "server") {
    environment.etc."rancher/k3s/audit-policy.yaml".source = policy;
    systemd.tmpfiles.rules = [ "d /var/log/k3s 0700 root root -" ];
    nixfleet.k3s.serverSettings.kube-apiserver-arg = [
      "audit-log-maxage=30"
      "audit-log-maxbackup=10"
      "audit-log-maxsize=100"
      "audit-log-path=/var/log/k3s/audit.log"
      "audit-policy-file=/etc/rancher/k3s/audit-policy.yaml"
    ];
  };
}
