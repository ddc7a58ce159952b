# A cluster node as a QEMU machine on one's own computer. Its modules are the hosts' own; only the devices differ.
{
  config,
  lib,
  modulesPath,
  ...
}:
let
  forward = host: guest: {
    from = "host";
    host.port = host;
    guest.port = guest;
  };
  isServer = config.nixfleet.k3s.role == "server";
in
{
  imports = [
    "${modulesPath}/virtualisation/qemu-vm.nix"
    ./secrets.nix
  ];

  config.virtualisation = {
    cores = 2;
    diskSize = if isServer then 30720 else 20480;
    forwardPorts = [
      (forward 8080 80)
      (forward 8443 443)
      (forward 10250 10250)
    ]
    ++ lib.optional isServer (forward 6443 6443);
    graphics = false;
    memorySize = 4096;
    useEFIBoot = true;
  };
}
