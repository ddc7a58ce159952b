# Every host of every stack.
{
  inputs,
  lib,
  nixosModules,
}:
let
  fleetLib = import ../lib;
  documents = fleetLib.contract.readAll ../fleet;
  host = import ../lib/host.nix { inherit inputs nixosModules; };
  system = document: name: lib.nixosSystem { modules = host.modulesOf { inherit document name; }; };
  hostsOf = document: lib.genAttrs (lib.attrNames document.hosts) (system document);
  weightOf = import ../lib/weight.nix;
  factsOf = built: weightOf built.config // { drv = drvPathOf built; };
  drvPathOf = built: built.config.system.build.toplevel.drvPath;
  # <stack>-<host> is always there; the short name only where one stack has it, so that it never means another machine.
  long =
    stack: lib.mapAttrs' (name: lib.nameValuePair "${stack}-${name}") (hostsOf documents.${stack});
  stacksWith = name: lib.filter (stack: documents.${stack}.hosts ? ${name}) (lib.attrNames documents);
  isUnique = name: _: lib.length (stacksWith name) == 1;
  short = stack: lib.filterAttrs isUnique (hostsOf documents.${stack});
  ofAllStacks = make: lib.mergeAttrsList (map make (lib.attrNames documents));
in
{
  byLongName = ofAllStacks long;
  nixosConfigurations = ofAllStacks short // ofAllStacks long;
  # Not taken from nixosConfigurations: what that keeps alive, the collector cannot free.
  hostDrvs = lib.mapAttrs (_: document: lib.mapAttrs (_: drvPathOf) (hostsOf document)) documents;
  # What the program reads: the closure's key, and how heavy it would be to change to another one.
  hostFacts = lib.mapAttrs (_: document: lib.mapAttrs (_: factsOf) (hostsOf document)) documents;
}
