# Disk layouts by name. Each is data: { device, ... } to the value of disko.devices.
{
  hetzner-cloud = import ./hetzner-cloud.nix;
  luks-btrfs = import ./luks-btrfs.nix;
  n100-standard = import ./n100-standard.nix;
  n100-zfs = import ./n100-zfs.nix;
  ovh-cloud = import ./ovh-cloud.nix;
  vm-test = import ./vm-test.nix;
  zfs-server = import ./zfs-server.nix;
}
