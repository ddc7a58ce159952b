# Pure functions over data. Only builtins: any Nix tests them, without nixpkgs.
let
  address = import ./address.nix;
  ini = import ./ini.nix;
  units = import ./network/units.nix { inherit address; };
in
{
  inherit address;
  contract = import ./contract.nix;
  disk = import ./disk.nix;
  exampleContract = import ./example-contract.nix;
  k3s = import ./k3s.nix { inherit units; };
  network = {
    inherit (units) clusterInterface storageInterface unitsOf;
    faultsOf = import ./network/faults.nix { inherit address; };
    profiles = import ./network/profiles.nix;
    toFiles = import ./network/files.nix { inherit ini; };
    toOptions = import ./network/options.nix;
  };
}
