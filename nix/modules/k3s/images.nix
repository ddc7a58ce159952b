# Where images come from: mirrors, and images that are there before the network is.
{
  config,
  lib,
  pkgs,
  ...
}:
let
  inherit (lib) mkOption types;
  cfg = config.nixfleet.k3s;
  mirrors = lib.mapAttrs (_: endpoint: { inherit endpoint; }) cfg.mirrors;
in
{
  options.nixfleet.k3s = {
    mirrors = mkOption {
      type = types.attrsOf (types.listOf types.str);
      default = {
        # A mirror without endpoints is served by the nodes to each other.
        "docker.io" = [ ];
        "ghcr.io" = [ ];
        "quay.io" = [ ];
        "registry.k8s.io" = [ ];
      };
      example = {
        "docker.io" = [ "https://mirror.example.net" ];
      };
      description = "Mirrors by registry; the empty list leaves a registry to the nodes themselves.";
    };
    airgapImages = mkOption {
      type = types.listOf types.package;
      default = [ ];
      example = lib.literalExpression "[ config.services.k3s.package.airgap-images ]";
      description = "Archives of images that k3s loads when it starts.";
    };
  };

  config = lib.mkIf cfg.enable {
    services.k3s.images = cfg.airgapImages;
    environment.etc."rancher/k3s/registries.yaml".source =
      (pkgs.formats.yaml { }).generate "registries.yaml"
        { inherit mirrors; };
  };
}
