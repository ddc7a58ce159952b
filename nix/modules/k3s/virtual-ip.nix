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
  interface = config.nixfleet.network.clusterInterface;
  check = pkgs.writeShellScript "nixfleet-api-check" ''
    ${lib.getExe pkgs.curl} --silent --fail --insecure --max-time 3 --output /dev/null \
      https://127.0.0.1:${toString cfg.port}/ping
  '';
in
{
  imports = [ ../network ];

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
    networking.firewall.extraInputRules = ''
      ip protocol vrrp accept comment "virtual IP"
    '';
    # The address is bound by services before this host holds it.
    boot.kernel.sysctl."net.ipv4.ip_nonlocal_bind" = 1;
    services.keepalived = {
      enable = true;
      enableScriptSecurity = true;
      vrrpScripts.api = {
        script = toString check;
        interval = 3;
        fall = 2;
        rise = 2;
        user = "nobody";
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
