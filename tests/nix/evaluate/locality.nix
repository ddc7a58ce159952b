# drvPaths of a stack's hosts before and after a change to its contract: who changes, and who does not.
tree:
let
  lib = tree.nixpkgs;
  document = tree.contracts.lab;
  drvs =
    names: changed:
    lib.genAttrs names (
      name:
      (tree.hostSystem {
        inherit name;
        document = changed;
      }).config.system.build.toplevel.drvPath
    );
  entry = lib.recursiveUpdate document { hosts.jetson-2.tuning.zramPercent = 33; };
  labelled = lib.recursiveUpdate document { hosts.jetson-2.labels.example = "changed"; };
  joined = document // {
    hosts = document.hosts // {
      n100-4 = document.hosts.n100-3 // {
        address = "10.0.1.19";
      };
    };
  };
  rollout = lib.recursiveUpdate document { cluster.watchdogMinutes = 59; };
  all = lib.attrNames document.hosts;
  oneOfEachRole = [
    "n100-1"
    "n100-3"
  ];
in
{
  before = drvs all document;
  entry = drvs all entry;
  labelled = drvs [ "jetson-2" ] labelled;
  joined = drvs oneOfEachRole joined;
  rollout = drvs oneOfEachRole rollout;
}
