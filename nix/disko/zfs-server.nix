# A server whose root is empty at every boot: what must stay lies on rpool/safe.
{
  device,
  prefix,
  longhorn ? "none",
  ...
}:
let
  parts = import ./parts.nix prefix;
  zfs = import ./zfs.nix;
in
{
  disk = parts.disk "main" device (
    {
      esp = parts.esp "1G" "/boot";
      zfs = zfs.partition "rpool";
    }
    // (if longhorn == "partition" then { longhorn = parts.longhorn "100G"; } else { })
  );
  zpool.rpool = zfs.pool {
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
