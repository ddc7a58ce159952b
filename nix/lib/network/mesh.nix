# Units of the WireGuard mesh: the address only. Key and peers are set by a unit of their own, outside the closure.
{
  address,
  entry,
  section,
}:
let
  interface = "mesh0";
in
{
  inherit interface;

  unitsOf =
    { cluster, host }:
    [
      {
        name = "40-${interface}.network";
        sections = [
          (section "Match" [ (entry "Name" interface) ])
          (section "Link" [
            (entry "MTUBytes" (toString cluster.mesh.mtu))
            (entry "RequiredForOnline" false)
          ])
          (section "Network" [
            (entry "DHCP" "no")
            (entry "IPv6AcceptRA" false)
            (entry "LinkLocalAddressing" "no")
          ])
          (section "Address" [ (entry "Address" (address.within cluster.mesh.range host.address)) ])
        ];
      }
    ];
}
