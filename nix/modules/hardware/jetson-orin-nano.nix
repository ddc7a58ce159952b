# NVIDIA Jetson Orin Nano on its developer board. The board's firmware is flashed beforehand and starts systemd-boot.
{ config, lib, ... }:
{
  imports = [
    ../k3s
    ../mixins/watchdog.nix
  ];

  config = {
    assertions = [
      {
        assertion = config.nixpkgs.hostPlatform.isAarch64;
        message = "nixpkgs.hostPlatform is ${config.nixpkgs.hostPlatform.system}: hardware jetson-orin-nano is aarch64-linux: set the host's hardware to the board's";
      }
    ];
    hardware.nvidia-jetpack = {
      enable = true;
      som = "orin-nano";
      carrierBoard = "devkit";
    };
    boot = {
      initrd.availableKernelModules = [
        "nvme"
        "usb_storage"
      ];
      kernelParams = [
        "console=ttyTCU0,115200"
        # One core stays free of other work for the control loop of the accelerator.
        "isolcpus=5"
        "cgroup_enable=memory"
        "cgroup_memory=1"
      ];
    };
    # No screen: the list makes NixOS set up the driver of desktop cards. A host that wants it back can mkForce it.
    services.xserver.videoDrivers = lib.mkOverride 60 [ ];
    nixfleet.k3s.memoryMaxGib = lib.mkDefault 6;
    nixfleet.watchdog = {
      runtimeSeconds = 30;
      rebootSeconds = 600;
    };
  };
}
