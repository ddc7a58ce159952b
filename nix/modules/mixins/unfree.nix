# Packages that are not free, or known to be insecure, by name only.
{ config, lib, ... }:
let
  inherit (lib) mkOption types;
  cfg = config.nixfleet.packages;
in
{
  options.nixfleet.packages = {
    allowUnfree = mkOption {
      type = types.listOf types.str;
      default = [ ];
      description = "Names of packages that may be unfree.";
    };
    allowInsecure = mkOption {
      type = types.listOf types.str;
      default = [ ];
      description = "Names with versions of packages that may be insecure.";
    };
  };

  config.nixpkgs.config = {
    allowUnfreePredicate = package: lib.elem (lib.getName package) cfg.allowUnfree;
    permittedInsecurePackages = cfg.allowInsecure;
  };
}
