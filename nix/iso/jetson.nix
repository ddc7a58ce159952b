# The installer of Jetson boards: NVIDIA's kernel, without which the board's network and NVMe do not come up.
{ lib, ... }:
{
  config = {
    hardware.nvidia-jetpack.enable = true;
    hardware.enableAllHardware = lib.mkForce false; # the profile's list has modules that this kernel was built without
    # A board is installed on ext4; the profile's ZFS module would have to be built for this kernel.
    boot.supportedFilesystems.zfs = lib.mkForce false;
  };
}
