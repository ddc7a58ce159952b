# The flake's outputs, one file per kind.
inputs:
let
  inherit (inputs.nixpkgs) lib;
  nixosModules = import ../modules inputs;
  shared = { inherit inputs lib nixosModules; };
  hosts = import ./hosts.nix shared;
  machines = import ./machines.nix shared;
  overlays = import ../overlays { inherit lib; };
  systems = [
    "aarch64-linux"
    "x86_64-linux"
  ];
  perSystem = make: lib.genAttrs systems (system: make inputs.nixpkgs.legacyPackages.${system});
in
{
  inherit nixosModules overlays;
  inherit (hosts) hostDrvs;
  lib = import ./lib.nix (shared // { inherit machines overlays; });
  nixosConfigurations = hosts.nixosConfigurations // machines;
  diskoConfigurations = import ./disko.nix { inherit lib; };
  packages = perSystem (import ../packages);
  devShells = perSystem (import ../shells);
  formatter = perSystem (pkgs: (import ./formatter.nix inputs pkgs).wrapper);
  checks = perSystem (
    import ./checks.nix {
      inherit inputs lib;
      nixosConfigurations = hosts.byLongName // machines;
      inherit (import ./lib.nix (shared // { inherit machines overlays; })) machineTests;
    }
  );
}
