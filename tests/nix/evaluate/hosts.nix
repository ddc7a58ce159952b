# Every host of every stack: its drvPath, and what the tests look at.
tree:
let
  lib = tree.nixpkgs;
  own = lib.filterAttrs (name: _: lib.hasPrefix "rancher/" name || lib.hasPrefix "nixfleet/" name);
  unitNames = [
    "iscsid.service"
    "k3s.service"
    "keepalived.service"
    "sshd.service"
  ];
  isOurs = name: lib.hasPrefix "nixfleet-" name || lib.elem name unitNames;
  partitions = disk: {
    inherit (disk) device;
    partitions = lib.mapAttrs (_: one: { inherit (one) label size type; }) disk.content.partitions;
  };
  system = built: {
    drvPath = built.config.system.build.toplevel.drvPath;
    weight = import ../../../nix/lib/weight.nix built.config;
    hostName = built.config.networking.hostName;
    platform = built.config.nixpkgs.hostPlatform.system;
    etc = lib.attrNames (own built.config.environment.etc);
    boot = {
      inherit (built.config.boot) kernelModules kernelParams;
      sysctl = lib.filterAttrs (_: value: value != null) built.config.boot.kernel.sysctl;
      grub = built.config.boot.loader.grub.enable;
      grubDevices = built.config.boot.loader.grub.devices;
      systemdBoot = built.config.boot.loader.systemd-boot.enable;
      esp = built.config.boot.loader.efi.efiSysMountPoint;
      kernelOptions = lib.concatMap (patch: lib.attrNames (patch.structuredExtraConfig or { })) (
        built.config.boot.kernelPatches
      );
      initrdLimit = built.config.boot.initrd.systemd.services ? nixfleet-initrd-limit;
      tools = map lib.getName built.config.environment.systemPackages;
    };
    gpu = {
      graphics = built.config.hardware.graphics.enable;
      toolkit = built.config.hardware.nvidia-container-toolkit.enable;
      containerd = built.config.services.k3s.containerdConfigTemplate;
    };
  };
  storage = config: {
    disks = lib.mapAttrs (_: partitions) config.disko.devices.disk;
    fileSystems = lib.mapAttrs (_: one: { inherit (one) device fsType options; }) config.fileSystems;
    swap = map (one: one.device) config.swapDevices;
    tmpfsOnTmp = config.boot.tmp.useTmpfs;
  };
  network = config: {
    units = lib.mapAttrs (_: unit: unit.text) config.systemd.network.units;
    inherit (config.nixfleet.network) clusterInterface files;
    firewall = {
      inherit (config.networking.firewall)
        allowedTCPPorts
        allowedUDPPorts
        enable
        extraInputRules
        trustedInterfaces
        ;
      interfaces = lib.attrNames config.networking.firewall.interfaces;
    };
    tables = lib.mapAttrs (_: table: table.content) (
      lib.filterAttrs (name: _: lib.hasPrefix "nixfleet" name) config.networking.nftables.tables
    );
  };
  commandsOf =
    config: isMeant:
    lib.concatMap (
      rule:
      map (
        one:
        if builtins.isString one then
          one
        else
          [
            one.command
            one.options
          ]
      ) rule.commands
    ) (lib.filter isMeant config.security.sudo.extraRules);
  access = config: {
    sshd = config.services.openssh.settings;
    hostKeys = map (key: key.path) config.services.openssh.hostKeys;
    root = config.users.users.root.openssh.authorizedKeys.keys;
    deploy = {
      groups = config.users.users.deploy.extraGroups;
      inherit (config.users.users.deploy) home;
      inherit (config.users.users.deploy.openssh.authorizedKeys) keys;
      system = config.users.users.deploy.isSystemUser;
    };
    sudo = {
      deploy = commandsOf config (rule: rule.users == [ "deploy" ]);
      wheel = commandsOf config (rule: rule.groups == [ "wheel" ]);
      agent = lib.optionals config.security.pam.services.sudo.sshAgentAuth config.security.pam.sshAgentAuth.authorizedKeysFiles;
    };
    trusted = lib.sort lib.lessThan config.nix.settings.trusted-users;
    caches = config.nix.settings.substituters ++ config.nix.settings.extra-substituters or [ ];
    cacheKeys =
      config.nix.settings.trusted-public-keys ++ config.nix.settings.extra-trusted-public-keys or [ ];
    trustedCaches = config.nix.settings.trusted-substituters or [ ];
    users = lib.mapAttrs (_: user: {
      admin = lib.elem "wheel" user.extraGroups;
      inherit (user.openssh.authorizedKeys) keys;
    }) (lib.filterAttrs (_: user: user.isNormalUser) config.users.users);
    passwords = lib.attrNames (
      lib.filterAttrs (
        _: user:
        lib.any (value: value != null && value != "!") [
          user.hashedPassword
          user.initialHashedPassword
          user.initialPassword
          user.password
        ]
      ) config.users.users
    );
  };
  factsOf =
    built:
    let
      inherit (built) config;
    in
    system built
    // {
      k3s = config.nixfleet.k3s.config;
      inherit (config.nixfleet.k3s) kubelet;
      inherit (config.services.k3s) configPath role;
      storage = storage config;
      network = network config;
      access = access config;
      virtualIp =
        if config.services.keepalived.enable then
          {
            script = {
              inherit (config.services.keepalived.vrrpScripts.api)
                fall
                interval
                rise
                user
                ;
            };
            text = config.nixfleet.virtualIp.check;
            instance = {
              inherit (config.services.keepalived.vrrpInstances.api)
                interface
                noPreempt
                state
                virtualRouterId
                ;
              virtualIps = map (one: one.addr) config.services.keepalived.vrrpInstances.api.virtualIps;
            };
          }
        else
          null;
      inhibitors = config.nixfleet.updateGuard.inhibitors;
      tmpfiles = config.systemd.tmpfiles.rules;
      units = lib.mapAttrs (_: unit: unit.text) (
        lib.filterAttrs (name: _: isOurs name) config.systemd.units
      );
    };
  hostsOf =
    document:
    lib.mapAttrs (name: _: factsOf (tree.hostSystem { inherit document name; })) document.hosts;
in
lib.mapAttrs (_: hostsOf) tree.contracts
