# Packages whose shape the pinned modules look into, and that the stand-in's package set therefore needs in that shape.
pkgs:
let
  named = names: pkgs.lib.genAttrs names (name: pkgs.runCommand name { } "");
in
{
  # Asked by the installer's list of drivers.
  stdenv = pkgs.stdenv // {
    isi686 = false;
  };
  # jetpack-nixos makes its own set of pinned sources by an overlay: a kernel, and what is asked by version (JetPack 6).
  nvidia-jetpack =
    pkgs.nvidia-jetpack
    // named [
      "l4t-firmware"
      "l4t-tools"
      "nvidia-smi"
      "otaUtils"
    ]
    // {
      cudaPackages = named [ "vpi-firmware" ];
      driverDebs = { };
      kernelPackages = pkgs.linuxPackages;
      l4tAtLeast = version: version == "36";
      l4tMajorMinorPatchVersion = "36.4.4";
      l4tOlder = version: version != "36";
    };
}
