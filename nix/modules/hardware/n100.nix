# Intel N100 boards.
{
  config,
  lib,
  pkgs,
  ...
}:
let
  isZfs = config.boot.supportedFilesystems.zfs or false;
in
{
  imports = [ ../k3s ];

  config = {
    boot = {
      # ZFS lags behind the newest kernel.
      kernelPackages = lib.mkIf (!isZfs) (lib.mkDefault pkgs.linuxPackages_latest);
      initrd.availableKernelModules = [
        "ahci"
        "nvme"
        "sd_mod"
        "usb_storage"
        "usbhid"
        "xhci_pci"
      ];
      initrd.kernelModules = [
        "e1000e"
        "igc"
        "r8169"
      ];
      kernelParams = [
        # Deeper sleep states drop network packets on these boards.
        "intel_idle.max_cstate=1"
        "intel_iommu=on"
        "iommu=pt"
        "pcie_aspm=off"
        "console=tty0"
        "console=ttyS0,115200"
      ];
    };
    hardware.enableRedistributableFirmware = true;
    nixfleet.k3s.memoryMaxGib = lib.mkDefault (
      if config.nixfleet.k3s.role == "server" then 8 else null
    );
    services.thermald.enable = true;
  };
}
