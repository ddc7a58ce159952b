# The modules by name. Kinds: base (one), hardware (one), profile (one), mixin (any), the rest as a host needs them.
inputs:
let
  disks = [
    inputs.disko.nixosModules.disko
    ./disks
  ];
  secrets = [
    inputs.sops-nix.nixosModules.sops
    ./secrets
  ];
in
{
  # keep-sorted start
  contract.imports = [
    ./contract
    ./contract/apply.nix
    ./k3s/virtual-ip.nix
    ./status
    ./storage/multus.nix
  ]
  ++ disks;
  disks.imports = disks;
  hardware-hcloud-arm = ./hardware/hcloud-arm.nix;
  hardware-hcloud-x86 = ./hardware/hcloud-x86.nix;
  hardware-jetson-orin-nano.imports = [
    inputs.jetpack-nixos.nixosModules.default
    ./hardware/jetson-orin-nano.nix
  ];
  hardware-n100.imports = [
    inputs.nixos-hardware.nixosModules.common-cpu-intel-cpu-only
    inputs.nixos-hardware.nixosModules.common-pc-ssd
    ./hardware/n100.nix
  ];
  hardware-ovh = ./hardware/ovh.nix;
  hardware-qemu = ./hardware/qemu.nix;
  impermanence.imports = [
    inputs.impermanence.nixosModules.impermanence
    ./disks/impermanence.nix
  ]
  ++ disks
  ++ secrets;
  k3s = ./k3s;
  longhorn = ./storage/longhorn.nix;
  mixin-deploy = ./mixins/deploy.nix;
  mixin-hardening = ./mixins/hardening.nix;
  mixin-isolation = ./mixins/isolation.nix;
  mixin-journald = ./mixins/journald.nix;
  mixin-networking = ./mixins/networking.nix;
  mixin-nix = ./mixins/nix.nix;
  mixin-no-docs = ./mixins/no-docs.nix;
  mixin-openssh = ./mixins/openssh.nix;
  mixin-server-packages = ./mixins/server-packages.nix;
  mixin-sudo = ./mixins/sudo.nix;
  mixin-terminfo = ./mixins/terminfo.nix;
  mixin-time = ./mixins/time.nix;
  mixin-unfree = ./mixins/unfree.nix;
  mixin-users = ./mixins/users.nix;
  mixin-watchdog = ./mixins/watchdog.nix;
  mixin-well-known-hosts = ./mixins/well-known-hosts.nix;
  multus = ./storage/multus.nix;
  network = ./network;
  profile-common = ./profiles/common.nix;
  profile-devhost = ./profiles/devhost.nix;
  profile-server = ./profiles/server.nix;
  profile-workstation = ./profiles/workstation.nix;
  secrets.imports = secrets;
  status = ./status;
  update-guard = ./update;
  virtual-ip = ./k3s/virtual-ip.nix;
  # keep-sorted end
}
