# The disk layouts on their own, for the disko command: `--arg device '"/dev/disk/by-id/..."' --argstr prefix nf.<stack>.<host>.`
{ lib }:
lib.mapAttrs (
  _: layout:
  {
    device ? throw "device is not given: pass the disk as --arg device '\"/dev/disk/by-id/...\"'",
    prefix ? throw "prefix is not given: pass how the host's labels begin as --argstr prefix nf.<stack>.<host>.",
    longhorn ? "partition",
  }:
  {
    disko.devices = layout { inherit device longhorn prefix; };
  }
) (import ../disko)
