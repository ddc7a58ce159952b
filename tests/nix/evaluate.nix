# Everything that NixOS' modules make of this tree, as data: one evaluation, one JSON document. See tests/nix/README.md.
# Called as `nix eval nix#lib --apply "import .../evaluate.nix"`.
tree:
let
  inherit (tree) fleetLib hostSystem nixosModules profiles;
  lib = tree.nixpkgs;
  drvOf = built: built.config.system.build.toplevel.drvPath;

  # What the tests look at in a host.
  textsOf = config: prefix: lib.mapAttrs (_: unit: unit.text) (lib.filterAttrs (name: _: lib.hasPrefix prefix name) config.systemd.units);
  factsOf = built: let inherit (built) config; in {
    drvPath = drvOf built;
    hostName = config.networking.hostName;
    hostPlatform = config.nixpkgs.hostPlatform.system;
    k3s = if config.nixfleet.k3s.enable then config.nixfleet.k3s.config else null;
    kubelet = config.nixfleet.k3s.kubelet;
    registries = config.nixfleet.k3s.mirrors;
    configPath = config.services.k3s.configPath;
    networkUnits = lib.mapAttrs (_: unit: unit.text) config.systemd.network.units // linksOf config;
    networkFiles = config.nixfleet.network.files;
    fileSystems = lib.mapAttrs (_: one: { inherit (one) device fsType options; }) config.fileSystems;
    swapDevices = map (one: one.device) config.swapDevices;
    disk = partitionsOf config.disko.devices;
    firewall = {
      inherit (config.networking.firewall) allowedTCPPorts allowedUDPPorts extraInputRules trustedInterfaces;
      interfaces = lib.mapAttrs (_: one: { inherit (one) allowedTCPPorts allowedUDPPorts; }) config.networking.firewall.interfaces;
    };
    nftables = lib.mapAttrs (_: table: table.content) (lib.filterAttrs (name: _: lib.hasPrefix "nixfleet" name) config.networking.nftables.tables);
    sysctl = lib.filterAttrs (_: value: value != null) config.boot.kernel.sysctl;
    kernelParams = config.boot.kernelParams;
    kernelModules = config.boot.kernelModules;
    tmpfiles = config.systemd.tmpfiles.rules;
    units = textsOf config "k3s.service" // textsOf config "nixfleet-" // textsOf config "iscsid.service" // textsOf config "keepalived";
    users = lib.mapAttrs (_: user: { keys = user.openssh.authorizedKeys.keys; groups = user.extraGroups; }) (
      lib.filterAttrs (_: user: user.openssh.authorizedKeys.keys != [ ]) config.users.users
    );
    sshd = config.services.openssh.settings;
    loader = {
      grub = config.boot.loader.grub.enable;
      grubDevices = config.boot.loader.grub.devices;
      systemdBoot = config.boot.loader.systemd-boot.enable;
      esp = config.boot.loader.efi.efiSysMountPoint;
    };
    etc = lib.filter (name: lib.hasPrefix "rancher/" name || lib.hasPrefix "nixfleet/" name) (lib.attrNames config.environment.etc);
    watchdog = config.systemd.watchdog.runtimeTime;
  };
  linksOf = config: lib.mapAttrs' (name: _: { name = "${name}.link"; value = config.environment.etc."systemd/network/${name}.link".text or config.systemd.network.units."${name}.link".text; }) config.systemd.network.links;
  partitionsOf = devices: lib.mapAttrs (_: disk: {
    inherit (disk) device;
    partitions = lib.mapAttrs (_: one: { inherit (one) label size type; }) disk.content.partitions;
  }) devices.disk;

  # One fault each; the tests hold the whole message.
  minimal = {
    boot.loader.grub.enable = lib.mkDefault false;
    fileSystems."/" = lib.mkDefault { device = "/dev/vda"; fsType = "ext4"; };
    nixpkgs.hostPlatform = lib.mkDefault "x86_64-linux";
    system.stateVersion = "26.05";
    users.allowNoPasswordLogin = lib.mkDefault true;
  };
  messagesOf = built: map (one: one.message) (lib.filter (one: !one.assertion) built.config.assertions);
in
{
  hosts = lib.mapAttrs (_: document: lib.mapAttrs (name: _: factsOf (hostSystem { inherit document name; })) document.hosts) tree.contracts;
  inherit profiles;
}
