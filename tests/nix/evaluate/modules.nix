# Every module with nothing beside it, every disk layout, every development shell and package.
tree:
let
  lib = tree.nixpkgs;
  minimal = import ../../../nix/refused/minimal.nix;
  root = {
    fileSystems."/" = {
      device = "/dev/vda";
      fsType = "ext4";
    };
  };
  # What a module cannot do without: the board's architecture, the contract's facts.
  example = tree.fleetLib.exampleContract { profile = tree.profiles.simple; };
  needs = {
    contract = {
      fleet = example;
      nixfleet.name = "server-1";
      fileSystems = lib.mkForce root.fileSystems;
    };
    hardware-jetson-orin-nano.nixpkgs.hostPlatform = "aarch64-linux";
    hardware-hcloud-arm.nixpkgs.hostPlatform = "aarch64-linux";
  };
  drvOf =
    modules:
    (tree.nixosSystem { modules = [ minimal ] ++ modules; }).config.system.build.toplevel.drvPath;
  alone =
    name: module:
    drvOf [
      root
      module
      (needs.${name} or { })
    ];

  layout =
    name: longhorn:
    let
      built = tree.nixosSystem {
        modules = [
          minimal
          tree.nixosModules.disks
          tree.nixosModules.impermanence
          {
            networking.hostName = "layout";
            nixfleet.disk = {
              inherit longhorn;
              labelPrefix = "nf.s.layout.";
              data = lib.mkIf (name == "zfs-server") {
                device = "/dev/disk/by-id/second";
                layout = "tank";
              };
              device = "/dev/disk/by-id/first";
              layout = name;
              sizeGib = 500;
            };
            services.openssh.enable = true;
            nixfleet.admins.deployKey = example.hosts.server-1.hostKey;
          }
        ];
      };
      inherit (built.config.disko.devices) disk;
    in
    {
      drvPath = built.config.system.build.toplevel.drvPath;
      script = built.config.system.build.diskoScript.drvPath;
      partitions = lib.mapAttrs (
        _: one:
        lib.mapAttrs (_: part: {
          inherit (part)
            label
            priority
            size
            type
            ;
          mountpoint = part.content.mountpoint or null;
        }) one.content.partitions
      ) disk;
      fileSystems = lib.mapAttrs (_: one: { inherit (one) fsType options; }) built.config.fileSystems;
      swap = map (one: one.device) built.config.swapDevices;
      datasets = lib.mapAttrs (
        _: pool: lib.mapAttrs (_: set: set.options) pool.datasets
      ) built.config.disko.devices.zpool;
      grubDevices = built.config.boot.loader.grub.devices;
      inherit (built.config.networking) hostId;
      zfs = lib.optionalAttrs (built.config.disko.devices.zpool != { }) {
        inherit (built.config.boot.zfs) devNodes forceImportRoot;
        limits = lib.filter (lib.hasPrefix "zfs.") built.config.boot.kernelParams;
        pools = lib.mapAttrs (_: pool: pool.options // pool.rootFsOptions) built.config.disko.devices.zpool;
        scrub = lib.optional built.config.services.zfs.autoScrub.enable built.config.services.zfs.autoScrub.interval;
        trim = lib.optional built.config.services.zfs.trim.enable built.config.services.zfs.trim.interval;
      };
      secretKey = built.config.nixfleet.secrets.hostKey;
      persistence = lib.mapAttrs (_: one: {
        directories = map (entry: entry.dirPath or entry.directory) one.directories;
        files = map (entry: entry.filePath or entry.file) one.files;
      }) built.config.environment.persistence;
      rollback = built.config.boot.initrd.systemd.services.nixfleet-rollback.script or null;
    };
  withFile =
    settings:
    tree.nixosSystem {
      modules = [
        minimal
        root
        tree.nixosModules.secrets
        settings
      ];
    };
  secretive = withFile {
    nixfleet.secrets.file = ../../../nix/flake.lock;
    sops.secrets.example = { };
    sops.validateSopsFiles = false;
    services.openssh.enable = true;
  };
  # A host that has files of its own, and one beside it that has none.
  ownFiles =
    name:
    let
      built = tree.hostSystem {
        inherit name;
        document = tree.contracts.lab;
        files = ../own;
        modules = [ { sops.validateSopsFiles = false; } ];
      };
      base = path: if builtins.isPath path then baseNameOf path else null;
    in
    {
      motd = toString built.config.users.motd;
      report = base (built.config.hardware.facter.reportPath or null);
      file = base built.config.nixfleet.secrets.file;
      shared = base built.config.nixfleet.secrets.shared;
    };
in
{
  own = lib.genAttrs [ "n100-1" "n100-2" ] ownFiles;
  modules = lib.mapAttrs alone tree.nixosModules;
  layouts = lib.mapAttrs (name: _: {
    none = layout name "none";
    partition = layout name "partition";
  }) tree.layouts;
  secrets = {
    drvPath = secretive.config.system.build.toplevel.drvPath;
    keys = secretive.config.sops.age.sshKeyPaths;
    inherit (secretive.config.sops.age) generateKey;
    path = secretive.config.sops.secrets.example.path;
  };
  shells = lib.mapAttrs (_: shell: shell.drvPath) tree.shells;
  packages = lib.mapAttrs (_: package: package.drvPath) tree.packages;
  backports = {
    older = lib.attrNames (
      tree.backports { fetchFromGitHub = args: args; } {
        nixos-anywhere = {
          version = "1.12.0";
          overrideAttrs = changed: changed;
        };
      }
    );
    newer = lib.attrNames (
      tree.backports { } {
        nixos-anywhere = {
          version = "1.14.0";
        };
      }
    );
  };
}
