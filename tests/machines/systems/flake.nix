# Systems of the tests' machines, by a real Nix without nixpkgs. systems.json, which the driver writes beside this, says
# what each host's system is.
{
  outputs =
    _:
    let
      system = import ./system.nix;
      facts = builtins.fromJSON (builtins.readFile ./systems.json);
    in
    {
      nixosConfigurations = builtins.mapAttrs (_: of: {
        config = {
          system.build.toplevel = system of;
          disko.devices.disk.main.device = of.device;
          # What stands for disko makes these, the further ones empty.
          disko.labels = of.partitions;
          disko.further = of.further;
        };
      }) facts;
    };
}
