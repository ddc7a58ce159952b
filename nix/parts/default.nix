# The flake's outputs, one file per kind.
inputs:
let
  inherit (inputs.nixpkgs) lib;
  nixosModules = import ../modules inputs;
  hosts = import ./hosts.nix { inherit inputs lib nixosModules; };
in
{
  inherit nixosModules;
  inherit (hosts) hostDrvs nixosConfigurations;
}
