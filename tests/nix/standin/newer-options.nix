# Options that the pinned NixOS has and the stand-in's modules of late 2024 lack, with who sets them. Shape only: they set
# nothing, so a test of what they do must run where the real NixOS is. Everything else exists in both.
{ lib, ... }:
let
  anything = lib.mkOption {
    type = lib.types.anything;
    default = { };
  };
in
{
  # The pinned module of NVIDIA's cards can be told to do nothing, which jetpack-nixos does; the older one cannot.
  disabledModules = [ "hardware/video/nvidia.nix" ];

  options = {
    # jetpack-nixos switches the initrd's TPM off: the board has none that Linux can use.
    boot.initrd.systemd.tpm2 = anything;
    # The installer's long list of drivers (iso/jetson.nix); before 25.05 a profile.
    hardware.enableAllHardware = lib.mkEnableOption "drivers for all hardware";
    # Hardware reports of a host (lib/host.nix); before 25.11 an input of its own.
    hardware.facter.reportPath = lib.mkOption {
      type = lib.types.nullOr lib.types.path;
      default = null;
    };
    hardware.nvidia = {
      datacenter.enable = lib.mkEnableOption "cards of a data centre";
      enabled = lib.mkOption {
        type = lib.types.bool;
        readOnly = true;
        default = false;
      };
      package = anything;
    };
    # jetpack-nixos describes the board's libraries to containers.
    hardware.nvidia-container-toolkit = {
      csv-files = anything;
      discovery-mode = anything;
      extraArgs = anything;
    };
    # The board's kernel is built with a list of security modules (jetpack-nixos).
    security.lsm = anything;
    # The runtime of Jetson boards (modules/hardware/jetson-orin-nano.nix).
    services.k3s.containerdConfigTemplate = lib.mkOption {
      type = lib.types.nullOr lib.types.str;
      default = null;
    };
    # Limits of logins and of the machine's own life (modules/k3s/kubelet.nix, modules/mixins/watchdog.nix).
    services.logind.settings = anything;
    systemd.settings = anything;
    # Checks before a switch that is started by hand (modules/update/default.nix, jetpack-nixos).
    system.preSwitchChecks = anything;
    system.switch.inhibitors = anything;
  };
}
