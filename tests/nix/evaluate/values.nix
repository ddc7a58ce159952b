# What the tree's own modules set on a host of each kind, value by value: `own` as they say it, `final` as it became.
tree:
let
  lib = tree.nixpkgs;
  chosen = [
    "cloud/control-1"
    "cloud/worker-1"
    "lab/jetson-1"
    "lab/n100-1"
    "sim/ovh-1"
  ];
  folder = ../../../nix/modules;
  isModule = path: lib.hasSuffix ".nix" path && !lib.hasInfix "/contract/" path;
  files = lib.filter (path: isModule (toString path)) (lib.filesystem.listFilesRecursive folder);
  # Paths of the options that a definition sets, where its conditions hold.
  leaves =
    path: value:
    let
      kind = value._type or "";
    in
    if !lib.isAttrs value || lib.isDerivation value || value == { } then
      [ { inherit path value; } ]
    else if kind == "if" then
      lib.optionals value.condition (leaves path value.content)
    else if kind == "merge" then
      lib.concatMap (leaves path) value.contents
    else if kind == "override" || kind == "order" then
      leaves path value.content
    else
      lib.concatMap (name: leaves (path ++ [ name ]) value.${name}) (lib.attrNames value);
  plain =
    value:
    if lib.isDerivation value then
      "package ${lib.getName value}"
    else if builtins.isFunction value then
      "function"
    else if builtins.isPath value then
      baseNameOf value
    else if lib.isAttrs value then
      lib.mapAttrs (_: plain) value
    else if lib.isList value then
      map plain value
    else
      value;
  # What is wired inside the tree shows in what it sets outside.
  isInner =
    leaf:
    leaf.path == [ ]
    || lib.elem (lib.head leaf.path) [
      "assertions"
      "nixfleet"
      "warnings"
    ];
  valuesOf =
    place:
    let
      stack = lib.head (lib.splitString "/" place);
      built = tree.hostSystem {
        document = tree.contracts.${stack};
        name = lib.last (lib.splitString "/" place);
      };
      arguments = {
        inherit lib;
        inherit (built) config options pkgs;
        modulesPath = "";
      };
      definitions =
        file:
        let
          found = import file;
          module = if builtins.isFunction found then found arguments else found;
        in
        leaves [ ] (module.config or { });
      # As the tree is copied to the store: files are told by their place in it.
      placeOf = path: lib.removeSuffix "/default.nix" (lib.last (lib.splitString "/modules/" path));
      imported = map (one: placeOf (toString one.file)) (graph built.graph);
      applied = lib.filter (file: lib.elem (placeOf (toString file)) imported) files;
      graph = lib.concatMap (one: [ one ] ++ graph one.imports);
    in
    map (leaf: {
      inherit (leaf) path;
      own = plain leaf.value;
      final = plain (lib.attrByPath leaf.path null built.config);
    }) (lib.filter (leaf: !isInner leaf) (lib.concatMap definitions applied));
in
lib.genAttrs chosen valuesOf
