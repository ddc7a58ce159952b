# Configurations that must fail, by name: the messages of their failed assertions.
tree:
let
  lib = tree.nixpkgs;
  minimal = import ./minimal.nix;
  ext4 = {
    device = "/dev/vda";
    fsType = "ext4";
  };
  messages =
    modules:
    let
      built = tree.nixosSystem { modules = [ minimal ] ++ modules; };
    in
    map (one: one.message) (lib.filter (one: !one.assertion) built.config.assertions);
  # `root` in the modules' own words, where no layout makes one.
  fault =
    names: settings:
    messages (
      map (name: tree.nixosModules.${name}) names
      ++ [
        { fileSystems."/" = lib.mkDefault ext4; }
        settings
      ]
    );
  disk = settings: {
    nixfleet.disk = {
      device = "/dev/disk/by-id/first";
      labelPrefix = "nf.s.h.";
      layout = "n100-standard";
      sizeGib = 500;
    }
    // settings;
  };
  on =
    profile: servers:
    tree.fleetLib.exampleContract {
      inherit servers;
      profile = tree.profiles.${profile};
    };
  package = version: {
    type = "derivation";
    name = "k3s";
    outPath = "/k3s";
    inherit version;
  };
  k3s = {
    nixfleet.k3s.enable = true;
    nixfleet.k3s.role = "server";
  };
  warningsOf =
    settings:
    (tree.nixosSystem {
      modules = [
        minimal
        tree.nixosModules.k3s
        { fileSystems."/" = ext4; }
        settings
      ];
    }).config.warnings;
in
{
  k3s-patch = warningsOf (
    lib.recursiveUpdate k3s {
      nixfleet.k3s = {
        package = package "1.35.7+k3s1";
        version = "v1.35.6+k3s1";
      };
    }
  );
  agent-alone = fault [ "k3s" ] {
    nixfleet.k3s = {
      enable = true;
      role = "agent";
    };
  };
  agent-with-server-flag = fault [ "k3s" ] {
    nixfleet.k3s = {
      enable = true;
      role = "agent";
      serverSettings.cluster-init = true;
      settings.server = "https://10.0.1.11:6443";
    };
  };
  boot-too-small = fault [ "disks" ] (
    lib.recursiveUpdate (disk { layout = "vm-test"; }) {
      boot.loader.systemd-boot.configurationLimit = 8;
    }
  );
  disk-of-nobody = fault [ "disks" ] (
    lib.recursiveUpdate (disk { }) {
      disko.devices.disk.more = {
        device = "/dev/disk/by-id/second";
        type = "disk";
        content = {
          type = "gpt";
          partitions = { };
        };
      };
    }
  );
  disk-too-small = fault [ "disks" ] (disk {
    sizeGib = 200;
  });
  disk-unstable = fault [ "disks" ] (disk {
    device = "/dev/nvme0n1";
  });
  grub-elsewhere = fault [ "disks" ] (
    lib.recursiveUpdate (disk { layout = "ovh-cloud"; }) {
      boot.loader.grub.devices = lib.mkForce [ "/dev/sdb" ];
    }
  );
  jetson-on-x86 = fault [ "hardware-jetson-orin-nano" ] {
    boot.kernelPackages = lib.mkForce tree.nixpkgsX86.linuxPackages;
    hardware.nvidia-jetpack.enable = lib.mkForce false;
  };
  k3s-version = fault [ "k3s" ] (
    lib.recursiveUpdate k3s {
      nixfleet.k3s = {
        package = package "1.34.1+k3s1";
        version = "v1.35.6+k3s1";
      };
    }
  );
  longhorn-on-btrfs = fault [ "disks" ] (
    disk {
      layout = "hetzner-cloud";
      longhorn = "partition";
    }
    // {
      fileSystems."/var/lib/longhorn".fsType = lib.mkForce "btrfs";
    }
  );
  longhorn-without-k3s = fault [ "longhorn" ] { nixfleet.longhorn.enable = true; };
  no-admin = fault [ "mixin-users" ] {
    nixfleet.admins.users.ada.keys = [ "ssh-ed25519 AAAA" ];
  };
  sudo-password-without-hashes = fault [ "secrets" ] {
    nixfleet.admins.sudo = "password";
    nixfleet.admins.users.ada = {
      admin = true;
      keys = [ "ssh-ed25519 AAAA" ];
    };
    sops.age.sshKeyPaths = [ "/etc/ssh/ssh_host_ed25519_key" ];
  };
  sudo-stranger = fault [ "mixin-sudo" ] {
    security.sudo.extraRules = [
      {
        users = [ "mallory" ];
        commands = [ "ALL" ];
      }
    ];
  };
  virtual-ip-without-interface = fault [ "virtual-ip" ] {
    nixfleet.virtualIp = {
      enable = true;
      address = "10.0.1.10";
      routerId = 51;
    };
    services.keepalived.vrrpInstances.api.interface = lib.mkForce "none";
  };
  vlans-broken = messages [
    tree.nixosModules.contract
    {
      fleet = tree.fleetLib.contract.forHost (on "vlans-broken" 2) "server-1";
      nixfleet.name = "server-1";
    }
  ];
  zfs-without-host-id = fault [ "disks" ] (
    disk { layout = "n100-zfs"; } // { networking.hostId = lib.mkForce null; }
  );
}
