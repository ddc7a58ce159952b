# A server whose root is empty at every boot: what must stay lies on rpool/safe. `data` is a second disk for pool tank.
{
  device,
  longhorn ? "none",
  data ? null,
  ...
}:
let
  parts = import ./parts.nix;
  zfs = import ./zfs.nix;
  tank = {
    disk.tank = {
      device = data;
      type = "disk";
      content = {
        type = "gpt";
        partitions.tank = zfs.partition "tank" // {
          label = "nixfleet-tank";
        };
      };
    };
    zpool.tank = zfs.pool {
      backups = zfs.mounted "/srv/backups" { recordsize = "1M"; };
      containers = zfs.mounted "/srv/containers" { recordsize = "128K"; };
      reserved = zfs.bare { reservation = "100G"; };
      services = zfs.mounted "/srv/services" { };
      vm = zfs.mounted "/srv/vm" { recordsize = "64K"; };
    };
  };
  second =
    if data == null then
      {
        disk = { };
        zpool = { };
      }
    else
      tank;
in
{
  disk =
    parts.disk device (
      {
        esp = parts.esp "1G" "/boot";
        zfs = zfs.partition "rpool";
      }
      // (if longhorn == "partition" then { longhorn = parts.longhorn "100G"; } else { })
    )
    // second.disk;
  zpool = {
    rpool = zfs.pool {
      local = zfs.bare { };
      # The snapshot that every boot returns to.
      "local/root" = zfs.mounted "/" { } // {
        postCreateHook = "zfs snapshot rpool/local/root@blank";
      };
      "local/nix" = zfs.mounted "/nix" { };
      safe = zfs.bare { };
      "safe/home" = zfs.mounted "/home" { };
      "safe/persist" = zfs.mounted "/persist" { };
      reserved = zfs.bare { reservation = "10G"; };
    };
  }
  // second.zpool;
}
