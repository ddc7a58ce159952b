# Contracts and disks.
{
  contract,
  disk,
  ...
}:
let
  layouts = import ../../disko;
  device = "/dev/disk/by-id/first";
  fails = value: !(builtins.tryEval (builtins.deepSeq value value)).success;
  document = {
    stack = "lab";
    cluster.name = "lab";
    hosts = {
      a.role = "server";
      b.role = "agent";
    };
  };
in
{
  "a host sees the cluster's facts and its own entry" = {
    expr = contract.forHost document "a";
    expected = document // {
      hosts.a.role = "server";
    };
  };
  "a host that the contract does not have is refused" = {
    expr = fails (contract.forHost document "c");
    expected = true;
  };
  "a contract of another version is refused" = {
    expr = fails (contract.checked "lab.json" (document // { schemaVersion = 0; }));
    expected = true;
  };
  "sizes are counted in mebibytes, shares of the rest are not" = {
    expr = map disk.mebibytes [
      "512M"
      "2G"
      "1T"
      "100%"
      "100%FREE"
    ];
    expected = [
      512
      2048
      1048576
      0
      0
    ];
  };
  "what a layout needs is the sum of its fixed parts" = {
    expr = builtins.mapAttrs (
      _: layout:
      disk.fixedMebibytes (layout {
        inherit device;
        prefix = "";
      })
    ) layouts;
    expected = {
      hetzner-cloud = 1025;
      n100-standard = 226304;
      n100-zfs = 113664;
      ovh-cloud = 2561;
      vm-test = 2560;
      zfs-server = 1024;
    };
  };
}
