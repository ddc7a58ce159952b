# A cluster node as a QEMU machine on one's own computer. Its modules are the hosts' own; only the devices differ.
{
  config,
  lib,
  modulesPath,
  ...
}:
let
  inherit (config.nixfleet) host;
  isServer = host.role == "server";
  forward = from: guest: {
    from = "host";
    host.port = from;
    guest.port = guest;
  };
  # One number per machine, from its address: it tells the two apart on the network that they share.
  number = lib.fixedWidthString 2 "0" (lib.last (lib.splitString "." host.address));
in
{
  imports = [
    "${modulesPath}/virtualisation/qemu-vm.nix"
    ./secrets.nix
  ];

  config = {
    # The window that starts it is the way in; nothing is behind it but a machine for a try.
    services.getty.autologinUser = "root";
    # What an installation asks for: the one server forms its cluster.
    systemd.tmpfiles.rules = lib.optional isServer "f /etc/nixfleet/form 0600 root root -";
    # QEMU's own card, by which ports are forwarded; the cluster's is the profile's.
    systemd.network.networks."80-out" = {
      matchConfig.Name = "eth0";
      networkConfig.DHCP = "ipv4";
    };
    networking.usePredictableInterfaceNames = lib.mkForce false; # the profile's ports have the kernel's names
    virtualisation = {
      cores = 2;
      diskSize = if isServer then 30720 else 20480;
      # Of the server alone: both run on one computer.
      forwardPorts = lib.optionals isServer [
        (forward 6443 6443)
        (forward 8080 80)
        (forward 8443 443)
      ];
      graphics = false;
      memorySize = 4096;
      # The machines meet on a multicast group of this computer.
      qemu.options = [
        "-netdev socket,id=cluster,mcast=239.255.42.1:16443,localaddr=127.0.0.1"
        "-device virtio-net-pci,netdev=cluster,mac=52:54:00:14:00:${number}"
      ];
      useEFIBoot = true;
    };
  };
}
