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
      _: machine:
      toplevel (
        tree.nixosSystem {
          modules = [
            driver
            machine
          ];
        }
      )
    ) test.nodes;
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
  # Tests that differ in the line between the machines only have the same machines.
  clusters = lib.mapAttrs (_: tests: nodesOf (lib.head tests)) (
    lib.groupBy (test: builtins.hashString "sha256" (builtins.toJSON test.document)) tree.machineTests
  );
  tests = lib.listToAttrs (
    map (test: {
      inherit (test) name;
      value = {
        cluster = builtins.hashString "sha256" (builtins.toJSON test.document);
        nodes = lib.attrNames test.nodes;
        inherit (test) testScript;
      };
    }) tree.machineTests
  );
}
