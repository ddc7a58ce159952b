# Units to networkd's files for a system without NixOS: { "<name>" = "<text>"; } for /etc/systemd/network.
{ ini }:
let
  header = "# Generated from the network profile; changes here are lost.\n";
in
units:
builtins.listToAttrs (
  map (unit: {
    inherit (unit) name;
    value = header + ini unit.sections;
  }) units
)
