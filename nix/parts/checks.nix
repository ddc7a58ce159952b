# What `nix flake check` builds: every host of the system's architecture, the shells, the format, and the tests that
# boot machines (those need KVM).
{
  inputs,
  lib,
  nixosConfigurations,
  tree,
}:
pkgs:
let
  inherit (pkgs.stdenv.hostPlatform) system;
  isNative = _: built: built.config.nixpkgs.hostPlatform.system == system;
  hosts = lib.mapAttrs' (
    name: built: lib.nameValuePair "host-${name}" built.config.system.build.toplevel
  ) (lib.filterAttrs isNative nixosConfigurations);
  shells = lib.mapAttrs' (name: lib.nameValuePair "shell-${name}") (import ../shells pkgs);
  machineTest = test: {
    name = "vm-${test.name}";
    value = pkgs.testers.runNixOSTest {
      inherit (test) name nodes testScript;
      node.pkgsReadOnly = false;
    };
  };
  # Formatting scripts of the layouts: disko finds most faults when it makes one.
  layouts = lib.mapAttrs' (
    name: _: lib.nameValuePair "layout-${name}" (import ./layout.nix { inherit name tree; })
  ) tree.layouts;
  packages = lib.mapAttrs' (name: lib.nameValuePair "package-${name}") (import ../packages pkgs);
  unsaid = lib.filterAttrs (name: message: !lib.elem message tree.refused.${name}) (
    lib.importJSON ../refused/messages.json
  );
  failed = lib.filterAttrs (_: case: case.expr != case.expected) (import ../lib/tests);
in
hosts
// layouts
// packages
// shells
// lib.optionalAttrs (system == "x86_64-linux") (
  lib.listToAttrs (map machineTest tree.machineTests)
)
// lib.optionalAttrs (system == "aarch64-linux") {
  jetson-kernel = import ./kernel-config.nix { inherit lib nixosConfigurations pkgs; };
}
// {
  format = (import ./formatter.nix inputs pkgs).check inputs.self;
  refused =
    if unsaid == { } then
      pkgs.runCommand "refused" { } "touch $out"
    else
      throw "refused/messages.json: ${lib.concatStringsSep ", " (lib.attrNames unsaid)} failed otherwise or not at all";
  lib =
    if failed == { } then
      pkgs.runCommand "lib-tests" { } "touch $out"
    else
      throw "tests of lib: ${lib.concatStringsSep ", " (lib.attrNames failed)} failed: run tools/test-nix";
}
