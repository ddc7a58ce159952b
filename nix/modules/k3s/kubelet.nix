# The kubelet's own configuration file: one value per key. NixOS' extraKubeletConfig and gracefulNodeShutdown would pass theirs as
# a flag beside the one of k3s' file, and replace it; the latter leaves logind's limit of 5 s as it is (rancher/default.nix).
{
  config,
  lib,
  pkgs,
  ...
}:
let
  inherit (lib) mkDefault mkOption types;
  cfg = config.nixfleet.k3s;
  yaml = pkgs.formats.yaml { };
  isServer = cfg.role == "server";
  reserved = {
    cpu = if isServer then "500m" else "200m";
    memory = if isServer then "1Gi" else "500Mi";
  };
in
{
  options.nixfleet.k3s.kubelet = mkOption {
    type = types.submodule {
      freeformType = yaml.type;
    };
    default = { };
    description = "Keys of KubeletConfiguration.";
  };

  config = lib.mkIf cfg.enable {
    nixfleet.k3s = {
      kubelet = {
        apiVersion = "kubelet.config.k8s.io/v1beta1";
        kind = "KubeletConfiguration";
        containerLogMaxFiles = mkDefault 5;
        containerLogMaxSize = mkDefault "10Mi";
        # All of them: naming one switches the kubelet's defaults for the others off.
        evictionHard = {
          "imagefs.available" = mkDefault "15%";
          "imagefs.inodesFree" = mkDefault "5%";
          "memory.available" = mkDefault "5%";
          "nodefs.available" = mkDefault "10%";
          "nodefs.inodesFree" = mkDefault "5%";
        };
        evictionSoft."memory.available" = mkDefault "10%";
        evictionSoftGracePeriod."memory.available" = mkDefault "2m";
        imageGCHighThresholdPercent = mkDefault 85;
        imageGCLowThresholdPercent = mkDefault 80;
        kubeReserved = lib.mapAttrs (_: mkDefault) reserved;
        maxPods = mkDefault 250;
        shutdownGracePeriod = mkDefault "60s";
        shutdownGracePeriodCriticalPods = mkDefault "20s";
        systemReserved = lib.mapAttrs (_: mkDefault) reserved;
      };
      settings.kubelet-arg = [ "config=/etc/rancher/k3s/kubelet.yaml" ];
    };
    environment.etc."rancher/k3s/kubelet.yaml".source = yaml.generate "kubelet.yaml" cfg.kubelet;
    # Without it logind ends the grace period after 5 s.
    services.logind.settings.Login.InhibitDelayMaxSec = 60;
  };
}
