# The network profiles, by name: JSON documents that Python reads, too.
folder:
let
  names = builtins.filter (name: builtins.match ".*\\.json" name != null) (
    builtins.attrNames (builtins.readDir folder)
  );
  one = name: {
    name = builtins.head (builtins.match "(.*)\\.json" name);
    value = builtins.fromJSON (builtins.readFile (folder + "/${name}"));
  };
in
builtins.listToAttrs (map one names)
