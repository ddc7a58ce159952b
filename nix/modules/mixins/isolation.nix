# The defaults of a service that needs little: each of this tree's own units names itself here.
{ config, lib, ... }:
let
  cfg = config.nixfleet.isolatedServices;
  isolated = lib.mapAttrs (_: lib.mkDefault) {
    LockPersonality = true;
    MemoryDenyWriteExecute = true;
    NoNewPrivileges = true;
    PrivateTmp = true;
    ProtectClock = true;
    ProtectControlGroups = true;
    ProtectHome = true;
    ProtectHostname = true;
    ProtectKernelLogs = true;
    ProtectKernelModules = true;
    ProtectKernelTunables = true;
    ProtectSystem = "strict";
    RestrictRealtime = true;
    RestrictSUIDSGID = true;
    SystemCallArchitectures = "native";
  };
in
{
  options.nixfleet.isolatedServices = lib.mkOption {
    type = lib.types.listOf lib.types.str;
    default = [ ];
    description = "Services that get the defaults of isolation; each may still loosen one.";
  };

  config.systemd.services = lib.genAttrs cfg (_: {
    serviceConfig = isolated;
  });
}
