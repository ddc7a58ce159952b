# A Hetzner server: starts under BIOS and UEFI, as the firmware depends on the server type.
{
  device,
  longhorn ? "none",
  ...
}:
let
  parts = import ./parts.nix;
in
{
  disk = parts.disk device (
    {
      bios = parts.biosBoot;
      esp = parts.esp "512M" "/boot";
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
