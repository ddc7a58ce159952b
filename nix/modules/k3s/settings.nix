# One option per flag of k3s, so that a wrong name or a flag of the other role is an error before anything is built.
{ lib, ... }:
let
  flags = builtins.fromJSON (builtins.readFile ../../lib/k3s-flags.json);
  inherit (lib) types;
  kinds = {
    bool = types.bool;
    duration = types.str;
    int = types.int;
    list = types.listOf types.str;
    string = types.str;
  };
  optionOf =
    name: kind:
    lib.mkOption {
      # Lists add up over modules; a flag that nobody sets is not written.
      type = if kind == "list" then kinds.list else types.nullOr kinds.${kind};
      default = if kind == "list" then [ ] else null;
      description = "Flag `--${name}` of k3s.";
    };
  settings =
    group: description:
    lib.mkOption {
      type = types.submodule { options = lib.mapAttrs optionOf flags.${group}; };
      default = { };
      inherit description;
    };
in
{
  options.nixfleet.k3s = {
    settings = settings "shared" "Flags that both roles know.";
    serverSettings = settings "server" "Flags that only servers know.";
    agentSettings = settings "agent" "Flags that only agents know.";
  };
}
