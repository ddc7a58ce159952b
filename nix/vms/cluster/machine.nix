# What a test machine has instead of real cards and disks.
{
  config,
  lib,
  pkgs,
  ...
}:
let
  inherit (lib) mkOption types;
  cfg = config.nixfleet.testMachine;
  hex = number: lib.fixedWidthString 2 "0" (lib.toLower (lib.toHexString number));
  # The driver makes the first card. It takes a card's hardware address from its network and machine, so two cards of one
  # machine on one network would be one to udev and to the switch: the others are made here, with addresses of their own.
  others = lib.imap1 (index: name: {
    inherit name;
    mac = "52:54:00:13:${hex index}:${hex (cfg.number + 1)}";
  }) (lib.drop 1 cfg.ports);
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
    number = mkOption {
      type = types.ints.unsigned;
      description = "Place among the machines of the test.";
    };
    ports = mkOption {
      type = types.listOf types.str;
      description = "The profile's ports: each is a card, all on one network, as members of a bond must hear each other.";
    };
    airgap = mkOption {
      type = types.bool;
      description = "Whether images come with the machine; otherwise the driver's own card leads out.";
    };
    uefi = mkOption {
      type = types.bool;
      description = "Whether UEFI and a boot loader start the machine.";
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
    nixfleet.k3s.airgapImages = lib.optional cfg.airgap package.airgap-images;
    # The server of storage_claim, and what the kubelet's own iSCSI calls: Longhorn brings the like in its containers.
    environment.systemPackages = [ pkgs.tgt ];
    networking.firewall.allowedTCPPorts = [ 3260 ];
    systemd.services.nixfleet-target = {
      description = "iSCSI target of the storage test";
      serviceConfig.ExecStart = "${pkgs.tgt}/bin/tgtd --foreground";
    };
    systemd.services.k3s.path = [
      pkgs.e2fsprogs
      pkgs.openiscsi
    ];
    systemd.services.k3s.wantedBy = lib.mkIf (!cfg.startsK3s) (lib.mkForce [ ]); # the test starts it, one after the other
    # Nobody in a test tells the time.
    systemd.services.nixfleet-clock.enable = false;
    boot.initrd.services.udev.rules = lib.concatMapStrings (card: ''
      SUBSYSTEM=="net",ACTION=="add",ATTR{address}=="${card.mac}",NAME="${card.name}"
    '') others;
    systemd.network.networks."80-out" = lib.mkIf (!cfg.airgap) {
      matchConfig.Name = "eth0";
      networkConfig.DHCP = "ipv4";
    };
    # The address that the profile's DHCP server knows; the driver's machines have others.
    systemd.network.links."05-leased" = lib.mkIf (cfg.mac != null) {
      matchConfig.OriginalName = lib.head cfg.ports;
      linkConfig.MACAddress = cfg.mac;
    };
    virtualisation = {
      inherit (cfg) cores;
      diskSize = 20480;
      memorySize = cfg.memoryMib;
      vlans = [ 1 ];
      # After the driver's: the kernel counts them in this order, and no name has to be taken from another card.
      qemu.options = lib.mkAfter (
        lib.concatMap (card: [
          "-netdev vde,id=${card.name},sock=\"$QEMU_VDE_SOCKET_1\""
          "-device virtio-net-pci,netdev=${card.name},mac=${card.mac}"
        ]) others
      );
      useBootLoader = cfg.uefi;
      useEFIBoot = cfg.uefi;
    };
  };
}
