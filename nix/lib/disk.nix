# Sizes of partitions, for the check that a layout fits its disk.
let
  factors = {
    M = 1;
    G = 1024;
    T = 1024 * 1024;
  };
  # "50G" -> 51200; a share of the rest ("100%") counts nothing.
  mebibytes =
    size:
    let
      found = builtins.match "([0-9]+)([MGT])" size;
    in
    if found == null then
      0
    else
      builtins.fromJSON (builtins.head found) * factors.${builtins.elemAt found 1};

  partitionsOf =
    devices:
    builtins.concatMap (disk: builtins.attrValues disk.content.partitions) (
      builtins.attrValues devices.disk
    );
in
{
  inherit mebibytes;
  fixedMebibytes =
    devices: builtins.foldl' (sum: part: sum + mebibytes part.size) 0 (partitionsOf devices);
}
