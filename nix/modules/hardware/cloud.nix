# What virtual machines of a cloud share: virtio devices, a serial console, a guest agent.
{ lib, modulesPath, ... }:
{
  imports = [ "${modulesPath}/profiles/qemu-guest.nix" ];

  config = {
    boot = {
      # Some types have no early console without it.
      initrd.kernelModules = [ "virtio_gpu" ];
      initrd.availableKernelModules = [
        "ahci"
        "sd_mod"
        "sr_mod"
        "virtio_pci"
        "virtio_scsi"
        "xhci_pci"
      ];
      kernelParams = [ "console=tty" ];
    };
    services.qemuGuest.enable = true;
    services.smartd.enable = lib.mkDefault false;
  };
}
