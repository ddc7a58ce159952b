# Reads the contracts, and cuts one down to what a host may depend on: the cluster's facts and its own entry.
let
  schemaVersion = 1;

  checked =
    file: document:
    let
      found = toString (document.schemaVersion or "none");
    in
    if (document.schemaVersion or null) == schemaVersion then
      document
    else
      throw "${file}: schemaVersion is ${found}, this tree reads ${toString schemaVersion}: ${
        if builtins.isInt (document.schemaVersion or null) && document.schemaVersion > schemaVersion then
          "use the program that wrote it, or a newer one"
        else
          "write it again with `python -m fleet contract`"
      }";

  read = path: checked (baseNameOf path) (builtins.fromJSON (builtins.readFile path));

  # Every <stack>.json of a folder, by stack.
  readAll =
    folder:
    let
      names = builtins.filter (name: builtins.match ".*\\.json" name != null) (
        builtins.attrNames (builtins.readDir folder)
      );
      one =
        name:
        let
          document = read (folder + "/${name}");
        in
        {
          name = document.stack;
          value = document;
        };
    in
    builtins.listToAttrs (map one names);

  forHost =
    document: host:
    document
    // {
      hosts.${host} =
        document.hosts.${host}
          or (throw "host ${host}: the contract of stack ${document.stack} does not have it, it has ${builtins.concatStringsSep ", " (builtins.attrNames document.hosts)}: add it to the stack file and run `python -m fleet contract`");
    };
in
{
  inherit
    checked
    forHost
    readAll
    schemaVersion
    ;
}
