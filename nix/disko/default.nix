# Disk layouts by name. Each is data: { device, prefix, ... } to the value of disko.devices; `prefix` begins the labels
# of all partitions, so that no link leads to another host's disk.
{
  hetzner-cloud = import ./hetzner-cloud.nix;
  n100-standard = import ./n100-standard.nix;
  n100-zfs = import ./n100-zfs.nix;
  ovh-cloud = import ./ovh-cloud.nix;
  vm-test = import ./vm-test.nix;
  zfs-server = import ./zfs-server.nix;
}
