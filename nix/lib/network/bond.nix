# Units of a bond: its device and its members. Addresses and VLANs on it are lan.nix's.
{
  entry,
  linkSection,
  matchPort,
  mtu,
  section,
}:
host: lans:
let
  maximum = builtins.foldl' (a: b: if a > b then a else b) 0;
  optional = condition: value: if condition then [ value ] else [ ];
  inherit (host) profile;
  inherit (profile) bond;
  isBackup = bond.mode == "active-backup";
  bytes = maximum (map (lan: if lan.link == bond.name then lan.mtu else 0) lans);
  delay = "${toString (2 * bond.miimonMs)}ms";
  member = port: {
    name = "10-${port}.network";
    sections = [
      (matchPort host port)
      (linkSection bytes false)
      (section "Network" (
        [ (entry "Bond" bond.name) ]
        ++ optional (isBackup && bond.primary == port) (entry "PrimarySlave" true)
      ))
    ];
  };
  device = {
    name = "10-${bond.name}.netdev";
    sections = [
      (section "NetDev" (
        [
          (entry "Name" bond.name)
          (entry "Kind" "bond")
        ]
        ++ mtu bytes
      ))
      (section "Bond" (
        [
          (entry "Mode" bond.mode)
          (entry "MIIMonitorSec" "${toString bond.miimonMs}ms")
          (entry "UpDelaySec" delay)
          (entry "DownDelaySec" delay)
          (entry "PrimaryReselectPolicy" (if isBackup then "always" else "better"))
        ]
        ++ optional (bond.mode == "802.3ad") (entry "LACPTransmitRate" "slow")
        ++ optional (builtins.elem bond.mode [
          "802.3ad"
          "balance-xor"
        ]) (entry "TransmitHashPolicy" "layer2+3")
      ))
    ];
  };
in
if profile.bond == null then [ ] else [ device ] ++ map member bond.members
