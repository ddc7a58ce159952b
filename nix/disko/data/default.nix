# Layouts of a further disk by name, each as those of the system disk: { device, prefix } to the value of disko.devices.
{
  tank = import ./tank.nix;
}
