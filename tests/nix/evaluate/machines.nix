# The installer, the machines for one's own computer, and the machines and scripts of every cluster test.
tree:
let
  lib = tree.nixpkgs;
  toplevel = built: built.config.system.build.toplevel.drvPath;
  # What the test driver gives its machines: as little as it takes to evaluate them.
  driver =
    { modulesPath, ... }:
    {
      imports = [ "${modulesPath}/virtualisation/qemu-vm.nix" ];
      nixpkgs.hostPlatform = "x86_64-linux";
    };
  nodesOf =
    test:
    lib.mapAttrs (
      name: machine:
      let
        built = tree.nixosSystem {
          modules = [
            driver
            machine
          ];
        };
        cfg = built.config.virtualisation;
      in
      {
        # A second server, and a test that differs in a number of etcd's, are evaluated as far as is looked at.
        drvPath =
          if name == "server-2" || test.facts.etcd.heartbeat-interval != 500 then null else toplevel built;
        cards = lib.filter (lib.hasInfix "virtio-net-pci,netdev=eth") cfg.qemu.options;
        rules = built.config.boot.initrd.services.udev.rules;
        inherit (cfg) useBootLoader useEFIBoot vlans;
        etcd = built.config.nixfleet.k3s.config.etcd-arg or [ ];
        offers = built.config.services.dnsmasq.settings.dhcp-option or [ ];
        images = lib.length (built.config.nixfleet.k3s.airgapImages or [ ]);
      }
    ) test.nodes;
  keyOf =
    test:
    builtins.hashString "sha256" (
      builtins.toJSON [
        test.document
        test.facts.firmware
        test.facts.etcd
      ]
    );
  medium =
    { config, ... }:
    {
      image = config.system.build.isoImage.drvPath;
      system = config.nixpkgs.hostPlatform.system;
      sshd = config.services.openssh.settings;
      hostKeys = map (key: key.path) config.services.openssh.hostKeys;
      users = lib.mapAttrs (_: user: {
        inherit (user) initialHashedPassword;
        inherit (user.openssh.authorizedKeys) keys;
      }) { inherit (config.users.users) nixos root; };
      autologin = config.services.getty.autologinUser;
      compression = config.isoImage.squashfsCompression;
      jetpack = config.hardware.nvidia-jetpack.enable or false;
      makesKeys = config.systemd.services.sshd-keygen.enable;
      networkManager = config.networking.networkmanager.enable;
      networkd = config.systemd.network.enable;
      medium = { inherit (config.systemd.services.nixfleet-medium) before requiredBy; };
    };
in
{
  configurations = lib.mapAttrs (_: toplevel) tree.machines;
  installers = lib.mapAttrs (_: medium) tree.installers;
  vms = lib.mapAttrs (_: built: built.config.system.build.vm.drvPath) (
    lib.filterAttrs (name: _: !lib.hasPrefix "iso-" name) tree.machines
  );
  # The two that form a cluster on one's own computer.
  pair = lib.mapAttrs (_: built: {
    inherit (built.config.nixfleet.host) address;
    forwarded = map (one: one.host.port) built.config.virtualisation.forwardPorts;
    joins = built.config.nixfleet.k3s.config.server or null;
    login = built.config.services.getty.autologinUser;
    matched = lib.mapAttrsToList (
      _: one: one.matchConfig.Name or null
    ) built.config.systemd.network.networks;
    options = built.config.virtualisation.qemu.options;
  }) { inherit (tree.machines) vm-k3s-agent vm-k3s-server; };
  # Tests that differ in the line between the machines only have the same machines.
  clusters = lib.mapAttrs (_: tests: nodesOf (lib.head tests)) (lib.groupBy keyOf tree.machineTests);
  tests = lib.listToAttrs (
    map (test: {
      inherit (test) name;
      value = {
        cluster = keyOf test;
        nodes = lib.attrNames test.nodes;
        inherit (test) facts testScript;
      };
    }) tree.machineTests
  );
}
