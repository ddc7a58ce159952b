# k3s, both roles: settings are structured, typed per role, and rendered to k3s' configuration file. NixOS' options for single
# flags are left alone: they become words of the command line, where a list replaces the file's.
{
  config,
  lib,
  pkgs,
  ...
}:
let
  inherit (lib) mkOption types;
  cfg = config.nixfleet.k3s;
  isServer = cfg.role == "server";
  set = lib.filterAttrs (_: value: value != null && value != [ ]);
  own = if isServer then cfg.serverSettings else cfg.agentSettings;
  rendered = set (cfg.settings // own);
  attribute =
    "k3s_"
    + lib.concatStringsSep "_" (lib.take 2 (lib.splitString "." (lib.removePrefix "v" cfg.version)));
  has = "v${cfg.package.version}";
  minor = version: lib.concatStringsSep "." (lib.take 2 (lib.splitString "." version));
in
{
  imports = [
    ../mixins/users.nix
    ../network
    ./agent.nix
    ./audit.nix
    ./firewall.nix
    ./host.nix
    ./images.nix
    ./kubelet.nix
    ./seed.nix
    ./server.nix
    ./settings.nix
    ./tokens.nix
    ./unit.nix
  ];

  options.nixfleet.k3s = {
    enable = mkOption {
      type = types.bool;
      default = false;
      description = "Whether this host is a node of a k3s cluster.";
    };
    role = mkOption {
      type = types.enum [
        "agent"
        "server"
      ];
      default = "agent";
      description = "What the node does in the cluster.";
    };
    version = mkOption {
      type = types.nullOr types.str;
      default = null;
      example = "v1.35.6+k3s1";
      description = "The version that the cluster runs; null accepts the package's.";
    };
    package = mkOption {
      type = types.package;
      # A minor that nixpkgs has dropped falls back to its own, and the assertion below says so.
      default = if cfg.version == null then pkgs.k3s else pkgs.${attribute} or pkgs.k3s;
      defaultText = lib.literalMD "the package of the version's minor";
      description = "Package of k3s.";
    };
    dataDir = mkOption {
      type = types.str;
      readOnly = true;
      default = "/var/lib/rancher/k3s";
      description = "k3s' state. It cannot be moved: NixOS' module has this path in several places.";
    };
    config = mkOption {
      type = types.attrsOf types.anything;
      readOnly = true;
      description = "What the configuration file says.";
    };
  };

  config = lib.mkIf cfg.enable {
    nixfleet.k3s.config = rendered;
    services.k3s = {
      enable = true;
      inherit (cfg) package role;
      configPath = "/etc/rancher/k3s/config.yaml";
    };
    environment.etc."rancher/k3s/config.yaml" = {
      source = (pkgs.formats.yaml { }).generate "k3s-config.yaml" rendered;
      mode = "0600";
    };
    environment.systemPackages = [
      cfg.package
      pkgs.kubectl
    ];
    environment.sessionVariables = lib.mkIf isServer { KUBECONFIG = "/etc/rancher/k3s/k3s.yaml"; };
    assertions = [
      {
        assertion = cfg.version == null || minor cfg.version == minor has;
        message = "nixfleet.k3s.version is ${toString cfg.version}, and the package is ${has}: set cluster.k3sVersion in the stack file to the package's, or update nixpkgs (one minor version at a time)";
      }
    ];
    # A patch may differ while nixpkgs moves: the node comes up, and hostops says that it is not on the wanted version.
    warnings =
      lib.optional (cfg.version != null && minor cfg.version == minor has && cfg.version != has)
        (
          "nixfleet.k3s.version is ${cfg.version}, and the package is ${has}: set cluster.k3sVersion in the stack file to ${has}"
        );
  };
}
