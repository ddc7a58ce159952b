# Intel N100 boards.
{
  config,
  lib,
  pkgs,
  ...
}:
let
  cfg = config.nixfleet.hardware.n100;
  isZfs = config.boot.supportedFilesystems.zfs or false;
  # The largest ring these cards have; a card that has less keeps its own.
  rings = pkgs.writeShellScript "nixfleet-rings" ''
    ${lib.getExe pkgs.ethtool} -G "$1" rx 4096 tx 4096 || true
  '';
in
{
  imports = [ ../k3s ];

  options.nixfleet.hardware.n100.hugepages = lib.mkOption {
    type = lib.types.ints.unsigned;
    default = 512;
    description = "Huge pages of 2 MiB that are kept free.";
  };

  config = {
    # ZFS lags behind the newest kernel.
    boot = {
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
        "hugepagesz=2M"
        "hugepages=${toString cfg.hugepages}"
      ];
    };
    hardware.cpu.intel.updateMicrocode = true;
    hardware.enableRedistributableFirmware = true;
    nixfleet.k3s.memoryMaxGib = lib.mkDefault (
      if config.nixfleet.k3s.role == "server" then 8 else null
    );
    services.thermald = {
      enable = true;
      configFile = ./thermald.xml;
    };
    services.udev.extraRules = ''
      ACTION=="add|change", KERNEL=="nvme[0-9]*", ATTR{queue/scheduler}="none"
      ACTION=="add|change", KERNEL=="sd[a-z]", ATTR{queue/rotational}=="0", ATTR{queue/scheduler}="mq-deadline"
      ACTION=="add", SUBSYSTEM=="net", DRIVERS=="igc|e1000e|r8169", RUN+="${rings} %k"
    '';
  };
}
