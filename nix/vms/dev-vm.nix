# A machine to work on this project in, away from one's own.
{ modulesPath, ... }:
{
  imports = [
    "${modulesPath}/virtualisation/qemu-vm.nix"
    ../modules/profiles/devhost.nix
  ];

  config = {
    networking.hostName = "dev-vm";
    # Its console is the way in.
    users.allowNoPasswordLogin = true;
    users.users.dev = {
      isNormalUser = true;
      extraGroups = [ "wheel" ];
    };
    services.getty.autologinUser = "dev";
    security.sudo.wheelNeedsPassword = false;
    # The pipe to the outside is the console; nothing listens but that.
    services.openssh.openFirewall = false;
    virtualisation = {
      cores = 2;
      diskSize = 20480;
      memorySize = 4096;
    };
  };
}
