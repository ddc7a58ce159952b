# A machine on the hosts' line that tags another VLAN id: it must hear none of them.
{ config, lib, ... }:
let
  cfg = config.nixfleet.stranger;
in
{
  imports = [ ./plain.nix ];

  options.nixfleet.stranger = lib.mkOption {
    type = lib.types.attrsOf lib.types.anything;
    description = "The line, the wrong id, and the address that it has there.";
  };

  config = {
    systemd.network = {
      netdevs."30-${cfg.interface}" = {
        netdevConfig = {
          Kind = "vlan";
          Name = cfg.interface;
        };
        vlanConfig.Id = cfg.vlan;
      };
      networks = {
        "20-${cfg.link}" = {
          matchConfig.Name = cfg.link;
          networkConfig.LinkLocalAddressing = "no";
          vlan = [ cfg.interface ];
        };
        "30-${cfg.interface}" = {
          matchConfig.Name = cfg.interface;
          address = [ cfg.address ];
        };
      };
    };
  };
}
