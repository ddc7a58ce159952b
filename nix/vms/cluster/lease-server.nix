# The DHCP server of profiles that lease addresses: one reservation per node, and a range for strangers.
{ config, lib, ... }:
let
  inherit (config.nixfleet.leaseServer) profile;
  inherit (profile) dhcp;
  length = toString ((import ../../lib).address.lengthOf profile.cluster.subnet);
  hours = "${toString dhcp.leaseHours}h";
  reservation = name: node: "${node.mac},${node.cluster},${name},${hours}";
in
{
  imports = [ ./plain.nix ];

  options.nixfleet.leaseServer.profile = lib.mkOption {
    type = lib.types.attrsOf lib.types.anything;
    description = "The network profile whose addresses are leased.";
  };

  config = {
    services.dnsmasq = {
      enable = true;
      settings = {
        dhcp-host = lib.mapAttrsToList reservation (
          lib.filterAttrs (_: node: node.mac != null) profile.nodes
        );
        # Without this it offers itself as the router, and the hosts would have a way that leads nowhere.
        dhcp-option = [ "option:router" ];
        dhcp-range = "${dhcp.first},${dhcp.last},${hours}";
        interface = "eth1";
        port = 0;
      };
    };
    systemd.network.networks."20-eth1" = {
      matchConfig.Name = "eth1";
      address = [ "${dhcp.address}/${length}" ];
    };
  };
}
