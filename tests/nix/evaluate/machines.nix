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
in
{
  configurations = lib.mapAttrs (_: toplevel) tree.machines;
  iso = tree.machines.iso-headless.config.system.build.isoImage.drvPath;
  isoAccess = {
    inherit (tree.machines.iso-headless.config.services.openssh) settings;
    users = lib.mapAttrs (_: user: {
      inherit (user) initialHashedPassword;
      inherit (user.openssh.authorizedKeys) keys;
    }) { inherit (tree.machines.iso-headless.config.users.users) nixos root; };
    compression = tree.machines.iso-headless.config.isoImage.squashfsCompression;
  };
  vms = lib.mapAttrs (_: built: built.config.system.build.vm.drvPath) (
    removeAttrs tree.machines [ "iso-headless" ]
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
