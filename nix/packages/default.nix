# The project's own packages: one folder each, with its package.nix.
pkgs:
let
  folders = pkgs.lib.filterAttrs (_: kind: kind == "directory") (builtins.readDir ./.);
  packageOf =
    name: _:
    let
      make = import (./. + "/${name}/package.nix");
    in
    make (builtins.intersectAttrs (builtins.functionArgs make) pkgs);
in
pkgs.lib.mapAttrs packageOf folders
