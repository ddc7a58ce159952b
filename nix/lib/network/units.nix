# A host's facts to networkd units as data: [ { name = "10-bond0.netdev"; sections = [ { name; entries; } ]; } ].
# The two renderers (options.nix, files.nix) only change the notation, so they cannot disagree on a value.
{ address }:
let
  lan = import ./lan.nix { inherit address entry section; };
  provider = import ./provider.nix { inherit entry section; };
  mesh = import ./mesh.nix { inherit address entry section; };

  entry = key: value: { inherit key value; };
  section = name: entries: { inherit entries name; };

  isCloud = host: provider.ports ? ${host.kind};
  underlay =
    { cluster, host }:
    if host.profile != null then
      lan.unitsOf { inherit cluster host; }
    else if isCloud host then
      provider.unitsOf host
    else
      provider.anyCard;

  # The interface that carries the host's address on the cluster network; null where no name is known beforehand.
  clusterInterface =
    { cluster, host }:
    if cluster.mesh != null then
      mesh.interface
    else if host.profile != null then
      lan.interfaceOf host host.profile.cluster
    else if isCloud host then
      provider.private
    else
      null;
in
{
  inherit clusterInterface;

  # The interface of the storage network; null without one.
  storageInterface =
    host:
    if host.profile == null || host.profile.storage == null then
      null
    else
      lan.interfaceOf host host.profile.storage;

  unitsOf = facts: underlay facts ++ (if facts.cluster.mesh == null then [ ] else mesh.unitsOf facts);
}
