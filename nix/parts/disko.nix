# The disk layouts on their own, for the disko command: `--arg device '"/dev/disk/by-id/..."'`.
{ lib }:
lib.mapAttrs (
  _: layout:
  {
    device ? throw "device is not given: pass the disk as --arg device '\"/dev/disk/by-id/...\"'",
    data ? null,
    longhorn ? "partition",
  }:
  {
    disko.devices = layout { inherit data device longhorn; };
  }
) (import ../disko)
