# A root that is empty at every boot (layout zfs-server): what must stay is listed here and by each module.
{ config, lib, ... }:
let
  isEmpty = config.nixfleet.disk.layout == "zfs-server";
in
{
  config = lib.mkIf isEmpty {
    boot.initrd.systemd = {
      enable = true;
      services.nixfleet-rollback = {
        description = "Return the root to its blank snapshot";
        wantedBy = [ "initrd.target" ];
        after = [ "zfs-import-rpool.service" ];
        requires = [ "zfs-import-rpool.service" ];
        before = [ "sysroot.mount" ];
        unitConfig.DefaultDependencies = "no";
        serviceConfig.Type = "oneshot";
        # What the installer brings (identity, keys) it writes below /persist: nothing is moved there from here.
        script = "zfs rollback -r rpool/local/root@blank";
      };
    };
    fileSystems."/persist".neededForBoot = true;
    # Secrets are decrypted before the link to it is there.
    nixfleet.secrets.hostKey = "/persist/etc/ssh/ssh_host_ed25519_key";
    environment.persistence."/persist" = {
      hideMounts = true;
      directories = [
        "/etc/nixfleet"
        "/var/lib/nixfleet"
        "/var/lib/nixos"
        "/var/lib/systemd"
        "/var/lib/rancher"
        "/var/log"
        "/etc/rancher/node"
      ];
      files = [
        "/etc/machine-id"
        "/etc/ssh/ssh_host_ed25519_key"
        "/etc/ssh/ssh_host_ed25519_key.pub"
      ];
    };
  };
}
