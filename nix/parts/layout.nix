# A disk layout on a made-up disk, with a second one where the layout has a use for it: the script that would make it.
{ name, tree }:
let
  inherit (tree) nixosModules nixosSystem nixpkgs;
  built = nixosSystem {
    modules = [
      ../refused/minimal.nix
      nixosModules.disks
      nixosModules.impermanence
      {
        networking.hostName = "layout";
        nixfleet.disk = {
          data = nixpkgs.mkIf (name == "zfs-server") {
            device = "/dev/disk/by-id/second";
            layout = "tank";
          };
          device = "/dev/disk/by-id/first";
          labelPrefix = "nf.s.layout.";
          layout = name;
          longhorn = "partition";
          sizeGib = 500;
        };
      }
    ];
  };
in
built.config.system.build.diskoScript
