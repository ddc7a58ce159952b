# Units of a machine on a provider's networks. Cards are found by their slot: their addresses are known to the cloud only.
{ entry, section }:
let
  public = "public";
  private = "private";

  # Hetzner: one slot per generation of machines. OVH (OpenStack): in the order of attachment. Where a flavor has others, the
  # public card is found by anyCard below; a private one is not, and k3s' start says that its address is missing.
  ports = {
    hcloud = {
      ${public} = [
        "pci-0000:01:00.0*"
        "pci-0000:00:03.0*"
      ];
      ${private} = [
        "pci-0000:07:00.0*"
        "pci-0000:00:0a.0*"
      ];
    };
    ovh-instance = {
      ${public} = [ "pci-0000:00:03.0*" ];
      ${private} = [ "pci-0000:00:04.0*" ];
    };
  };

  name = port: paths: {
    name = "10-${port}.link";
    sections = [
      (section "Match" [ (entry "Path" (builtins.concatStringsSep " " paths)) ])
      (section "Link" [ (entry "Name" port) ])
    ];
  };

  # Neither cloud sends router advertisements or DHCPv6 (docs.hetzner.com, static configuration; OVH's guide on IPv6): an
  # address would have to be written down, and no cloud's facts come here. So hosts have no public IPv6.
  publicNetwork = {
    name = "20-${public}.network";
    sections = [
      (section "Match" [ (entry "Name" public) ])
      (section "Link" [ (entry "RequiredForOnline" true) ])
      (section "Network" [
        (entry "DHCP" "ipv4")
        (entry "IPv6AcceptRA" false)
      ])
    ];
  };

  # The address is the cloud's to give (it is the planned one); a default route or resolver there would be a trap.
  privateNetwork = {
    name = "20-${private}.network";
    sections = [
      (section "Match" [ (entry "Name" private) ])
      (section "Link" [ (entry "RequiredForOnline" true) ])
      (section "Network" [
        (entry "DHCP" "ipv4")
        (entry "IPv6AcceptRA" false)
        (entry "LinkLocalAddressing" "no")
      ])
      (section "DHCPv4" [
        (entry "UseDNS" false)
        (entry "UseGateway" false)
        (entry "UseMTU" true)
      ])
    ];
  };

  # A card in a slot nobody thought of still gets a lease, so that the machine can be reached and looked at.
  anyCard = [
    {
      name = "90-any.network";
      sections = [
        (section "Match" [
          (entry "Type" "ether")
          (entry "Kind" "!*")
        ])
        (section "Link" [ (entry "RequiredForOnline" false) ])
        (section "Network" [
          (entry "DHCP" "ipv4")
          (entry "IPv6AcceptRA" true)
        ])
      ];
    }
  ];

  unitsOf =
    host:
    let
      slots = ports.${host.kind};
      hasPrivate = host.privateAddress != null;
    in
    [
      (name public slots.${public})
      publicNetwork
    ]
    ++ (
      if hasPrivate then
        [
          (name private slots.${private})
          privateNetwork
        ]
      else
        [ ]
    )
    ++ anyCard;
in
{
  inherit
    anyCard
    ports
    private
    public
    unitsOf
    ;
}
