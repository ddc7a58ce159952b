# What a test machine has instead of real cards and disks.
{ config, lib, ... }:
let
  inherit (lib) mkOption types;
  cfg = config.nixfleet.testMachine;
  inherit (config.nixfleet.k3s) package;
in
{
  options.nixfleet.testMachine = {
    cores = mkOption {
      type = types.ints.positive;
      description = "Processors.";
    };
    memoryMib = mkOption {
      type = types.ints.positive;
      description = "Memory in MiB.";
    };
    ports = mkOption {
      type = types.listOf types.str;
      description = "The profile's ports: each is a card on a network of its own, eth1 first.";
    };
    startsK3s = mkOption {
      type = types.bool;
      description = "Whether k3s starts with the machine, and not when the test says so.";
    };
    mac = mkOption {
      type = types.nullOr types.str;
      description = "Hardware address of the first port; null takes the test driver's.";
    };
  };

  config = {
    # The test driver numbers its cards ethN and would give them addresses of its own.
    networking.interfaces = lib.mkForce { };
    networking.primaryIPAddress = lib.mkForce config.nixfleet.host.address;
    networking.usePredictableInterfaceNames = lib.mkForce false; # the driver's consoles expect the kernel's names
    # Nothing can be downloaded in a test. The attribute's name has changed over time.
    nixfleet.k3s.airgapImages = lib.filter (image: image != null) [
      (package.airgap-images or package.airgapImages or null)
    ];
    systemd.services.k3s.wantedBy = lib.mkIf (!cfg.startsK3s) (lib.mkForce [ ]); # the test starts it, one after the other
    # Nobody in a test tells the time.
    systemd.services.nixfleet-clock.enable = false;
    # The address that the profile's DHCP server knows; the driver's machines have others.
    systemd.network.links."05-leased" = lib.mkIf (cfg.mac != null) {
      matchConfig.OriginalName = lib.head cfg.ports;
      linkConfig.MACAddress = cfg.mac;
    };
    virtualisation = {
      inherit (cfg) cores;
      diskSize = 20480;
      memorySize = cfg.memoryMib;
      # All members of a bond hear each other, so they share the first network.
      vlans = map (_: 1) cfg.ports;
    };
  };
}
