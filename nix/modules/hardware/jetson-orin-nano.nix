# NVIDIA Jetson Orin Nano on its developer board. The board's firmware is flashed beforehand and starts systemd-boot.
{
  config,
  lib,
  pkgs,
  ...
}:
let
  # What the vendor's kernel lacks, and who needs it. jetpack-nixos builds it from NVIDIA's defconfig without further
  # modules and ignores options that do not exist: checks.jetson-kernel reads the configuration that comes out.
  lacking = lib.importJSON ./jetson-kernel.json;
in
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
    hardware = {
      nvidia-jetpack = {
        enable = true;
        som = "orin-nano";
        carrierBoard = "devkit";
      };
      # The driver's libraries, which containers get too (README of jetpack-nixos).
      graphics.enable = true;
      nvidia-container-toolkit.enable = true;
    };
    # Handler of the runtime class `nvidia`, which k3s itself makes (its manifests/runtimes.yaml): a pod that names the class
    # and has NVIDIA_VISIBLE_DEVICES in its environment gets the GPU as the toolkit's CDI file describes it.
    services.k3s.containerdConfigTemplate = lib.mkIf config.nixfleet.k3s.enable ''
      {{ template "base" . }}

      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.nvidia]
        runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.nvidia.options]
        BinaryName = "${lib.getOutput "tools" pkgs.nvidia-container-toolkit}/bin/nvidia-container-runtime.cdi"
    '';
    boot = {
      initrd.availableKernelModules = [
        "nvme"
        "usb_storage"
      ];
      kernelPatches = [
        {
          name = "nixfleet";
          patch = null;
          structuredExtraConfig = lib.mapAttrs (_: _: lib.kernel.module) lacking;
        }
      ];
      kernelParams = [
        "console=ttyTCU0,115200"
        "cgroup_enable=memory"
        "cgroup_memory=1"
      ];
    };
    nixfleet.k3s.memoryMaxGib = lib.mkDefault 6;
    nixfleet.watchdog = {
      runtimeSeconds = 30;
      rebootSeconds = 600;
    };
  };
}
