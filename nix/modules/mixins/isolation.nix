# What this tree's own services may not do. Each names itself here with the capabilities that it needs, and loosens the rest.
{ config, lib, ... }:
let
  isolated = lib.mapAttrs (_: lib.mkDefault) {
    LockPersonality = true;
    MemoryDenyWriteExecute = true;
    NoNewPrivileges = true;
    PrivateDevices = true;
    PrivateTmp = true;
    ProtectClock = true;
    ProtectControlGroups = true;
    ProtectHome = true;
    ProtectHostname = true;
    ProtectKernelLogs = true;
    ProtectKernelModules = true;
    ProtectKernelTunables = true;
    ProtectSystem = "strict";
    RestrictNamespaces = true;
    RestrictRealtime = true;
    RestrictSUIDSGID = true;
    SystemCallArchitectures = "native";
    SystemCallFilter = [ "@system-service" ];
  };
in
{
  options.nixfleet.isolatedServices = lib.mkOption {
    type = lib.types.attrsOf (lib.types.listOf lib.types.str);
    default = { };
    example = {
      nixfleet-mesh = [ "CAP_NET_ADMIN" ];
    };
    description = "Services that run confined, and the capabilities that each keeps.";
  };

  config.systemd.services = lib.mapAttrs (_: capabilities: {
    serviceConfig = isolated // {
      CapabilityBoundingSet = lib.concatStringsSep " " capabilities;
    };
  }) config.nixfleet.isolatedServices;
}
