# A pool of its own for what is kept beside the system.
{ device, prefix }:
let
  parts = import ../parts.nix prefix;
  zfs = import ../zfs.nix;
in
{
  disk = parts.disk "tank" device { tank = zfs.partition "tank"; };
  zpool.tank = zfs.pool {
    backups = zfs.mounted "/srv/backups" { recordsize = "1M"; };
    containers = zfs.mounted "/srv/containers" { recordsize = "128K"; };
    reserved = zfs.bare { reservation = "100G"; };
    services = zfs.mounted "/srv/services" { };
    vm = zfs.mounted "/srv/vm" { recordsize = "64K"; };
  };
}
