# The flake's outputs, one file per kind.
inputs:
let
  inherit (inputs.nixpkgs) lib;
  nixosModules = import ../modules inputs;
  shared = { inherit inputs lib nixosModules; };
  hosts = import ./hosts.nix shared;
  inherit (import ./machines.nix shared) installers virtual;
  machines =
    virtual
    // lib.mapAttrs' (
      system: lib.nameValuePair "iso-headless-${lib.head (lib.splitString "-" system)}"
    ) installers;
  overlays = import ../overlays { inherit lib; };
  systems = [
    "aarch64-linux"
    "x86_64-linux"
  ];
  tree = import ./lib.nix (shared // { inherit installers machines overlays; });
  perSystem = make: lib.genAttrs systems (system: make inputs.nixpkgs.legacyPackages.${system});
in
{
  inherit nixosModules overlays;
  inherit (hosts) hostDrvs hostFacts;
  lib = tree;
  nixosConfigurations = hosts.nixosConfigurations // machines;
  diskoConfigurations = import ./disko.nix { inherit lib; };
  packages = lib.recursiveUpdate (perSystem (import ../packages)) (
    lib.mapAttrs (_: built: { iso-headless = built.config.system.build.isoImage; }) installers
  );
  devShells = perSystem (import ../shells);
  formatter = perSystem (pkgs: (import ./formatter.nix inputs pkgs).wrapper);
  checks = perSystem (
    import ./checks.nix {
      inherit inputs lib tree;
      nixosConfigurations = hosts.byLongName // machines;
    }
  );
}
