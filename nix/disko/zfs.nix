# The pool of a ZFS host.
let
  rootOptions = {
    acltype = "posixacl";
    atime = "off";
    "com.sun:auto-snapshot" = "false";
    compression = "lz4";
    mountpoint = "none";
    xattr = "sa";
  };
in
{
  partition = pool: {
    priority = 9000;
    size = "100%";
    content = {
      type = "zfs";
      inherit pool;
    };
  };

  pool = datasets: {
    type = "zpool";
    options = {
      ashift = "12";
      autotrim = "on";
    };
    rootFsOptions = rootOptions;
    inherit datasets;
  };

  # Mounted by NixOS, not by ZFS: the order of mounts is then systemd's.
  mounted = mountpoint: options: {
    type = "zfs_fs";
    inherit mountpoint;
    options = options // {
      mountpoint = "legacy";
    };
  };

  # Holds no files: a place for children, or space kept back so that a full pool can still delete.
  bare = options: {
    type = "zfs_fs";
    options = options // {
      mountpoint = "none";
    };
  };
}
