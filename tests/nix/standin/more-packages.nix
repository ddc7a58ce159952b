# Packages whose shape the pinned modules look into, and that the stand-in's package set therefore needs in that shape.
pkgs:
let
  inherit (pkgs) lib;
  named = names: pkgs.lib.genAttrs names (name: pkgs.runCommand name { } "");
  emulator = pkgs.qemu // {
    ga = pkgs.runCommand "qemu-ga" { } "";
    stdenv = pkgs.stdenv // {
      inherit (pkgs) system;
    };
  };
  firmware = pkgs.OVMF // {
    fd = firmware;
    firmware = "/OVMF_CODE.fd";
    override = _: firmware;
    systemManagementModeRequired = false;
    variables = "/OVMF_VARS.fd";
  };
in
named [
  "dosfstools"
  "keep-sorted"
  "libfaketime"
  "mtools"
  "raspberrypiWirelessFirmware"
  "squashfsTools"
  "taplo"
  "xorriso"
]
// {
  # impermanence calls its own functions this way: what asks for nothing but lib is no package.
  callPackage =
    file: args:
    let
      function = if builtins.isFunction file then file else import file;
      isLibrary = builtins.isFunction function && lib.attrNames (lib.functionArgs function) == [ "lib" ];
    in
    if isLibrary then function { inherit lib; } else pkgs.callPackage file args;
  # Scripts of virtual machines ask it for the system that it runs on.
  OVMF = firmware;
  qemu = emulator;
  qemu_kvm = emulator;
  # Where libraries of a graphics driver lie on NixOS.
  addDriverRunpath = pkgs.runCommand "add-driver-runpath" { } "" // {
    driverLink = "/run/opengl-driver";
  };
  # The version of the pinned nixpkgs (its k3s/1_35/versions.nix).
  k3s_1_35 = pkgs.runCommand "k3s" { } "" // {
    version = "1.35.6+k3s1";
    airgap-images = pkgs.runCommand "k3s-airgap-images" { } "";
  };
  # The installer's loader and its list of drivers.
  grub2_efi = pkgs.grub2 // {
    grubTarget = "x86_64-efi";
  };
  stdenv = pkgs.stdenv // {
    isi686 = false;
  };
  # Console settings of a systemd initrd.
  systemd = pkgs.systemd // {
    kbd = pkgs.kbd // {
      inherit (pkgs) gzip;
    };
  };
  # disko writes its scripts with them.
  writers = pkgs.writers // {
    makeScriptBinWriter = _: pkgs.writeText;
    makeScriptWriter = _: pkgs.writeText;
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
