# A Hetzner server: starts under BIOS and UEFI, as the firmware depends on the server type.
{
  device,
  prefix,
  longhorn ? "none",
  ...
}:
let
  parts = import ./parts.nix prefix;
in
{
  disk = parts.disk "main" device (
    {
      bios = parts.biosBoot;
      esp = parts.esp "1G" "/boot";
    }
    // (
      if longhorn == "partition" then
        {
          longhorn = parts.longhornRest;
          root = parts.btrfsRoot "40G" // {
            priority = 8;
          };
        }
      else
        { root = parts.btrfsRoot "100%"; }
    )
  );
}
