# The API's virtual IP: keepalived hands it to a server whose API answers.
{
  config,
  lib,
  pkgs,
  ...
}:
let
  inherit (lib) mkOption types;
  cfg = config.nixfleet.virtualIp;
  k3s = config.nixfleet.k3s;
  interface = config.nixfleet.network.clusterInterface;
  own = "${k3s.dataDir}/agent";
  # As the node itself: k3s' API server tells strangers nothing, and its supervisor's /ping answers without any API server.
  check = ''
    ${lib.getExe pkgs.curl} --silent --fail --max-time 3 --output /dev/null --cacert ${own}/server-ca.crt \
      --cert ${own}/client-kubelet.crt --key ${own}/client-kubelet.key https://127.0.0.1:${toString cfg.port}/readyz
  '';
  servers = lib.concatStringsSep ", " k3s.servers;
in
{
  imports = [
    ../network
    ./.
  ];

  options.nixfleet.virtualIp = {
    enable = mkOption {
      type = types.bool;
      default = false;
      description = "Whether this server may hold the virtual IP.";
    };
    address = mkOption {
      type = types.str;
      description = "The address, on the cluster network.";
    };
    port = mkOption {
      type = types.port;
      default = 6443;
      description = "Port of the API.";
    };
    check = mkOption {
      type = types.lines;
      readOnly = true;
      default = check;
      defaultText = lib.literalMD "asks the API server of this host";
      description = "Script that holds the address here while it succeeds.";
    };
    routerId = mkOption {
      type = types.ints.between 1 255;
      description = "VRRP id, unique on the network.";
    };
  };

  config = lib.mkIf cfg.enable {
    assertions = [
      {
        assertion = interface != null;
        message = "nixfleet.virtualIp.address is ${cfg.address}, and the cluster network's interface has no known name: give the host a network profile";
      }
    ];
    networking.firewall.extraInputRules = lib.optionalString (servers != "") ''
      ip saddr { ${servers} } ip protocol vrrp accept comment "virtual IP"
    '';
    # The address is bound by services before this host holds it.
    boot.kernel.sysctl."net.ipv4.ip_nonlocal_bind" = 1;
    services.keepalived = {
      enable = true;
      enableScriptSecurity = true;
      vrrpScripts.api = {
        script = toString (pkgs.writeShellScript "nixfleet-api-check" cfg.check);
        interval = 3;
        fall = 3;
        rise = 2;
        # The node's key is root's alone.
        user = "root";
      };
      vrrpInstances.api = {
        inherit interface;
        # All start as backup and with one priority: the address moves only when its holder fails.
        state = "BACKUP";
        noPreempt = true;
        virtualRouterId = cfg.routerId;
        virtualIps = [ { addr = "${cfg.address}/32"; } ];
        trackScripts = [ "api" ];
      };
    };
  };
}
