# A generation that only a boot can prove is tried once: its entry boots once, the default stays (hostops/remote/try.sh). Until
# it is confirmed, a guard lies on the disk, which every boot runs; it reboots a host that was not confirmed in time.
{
  config,
  lib,
  pkgs,
  ...
}:
let
  cfg = config.nixfleet.updateGuard;
  # GRUB's own module brings the editor of its block only where it installs for a BIOS.
  grub = if config.nixpkgs.hostPlatform.isx86_64 then pkgs.grub2 else pkgs.grub2_efi;
in
{
  options.nixfleet.updateGuard.initrdMinutes = lib.mkOption {
    type = lib.types.ints.positive;
    default = 5;
    description = "How long the initrd may take until the machine restarts, and with it boots the default generation.";
  };

  config = {
    environment.systemPackages = lib.mkIf config.boot.loader.grub.enable [ grub ];
    # A kernel that panics restarts, also before any unit could have set it.
    boot.kernelParams = [ "panic=30" ];
    boot.initrd.systemd.services.nixfleet-initrd-limit = {
      description = "Restart a boot that does not leave the initrd";
      wantedBy = [ "sysinit.target" ];
      # Leaving the initrd ends it, as it ends all that is not asked to stay.
      unitConfig.DefaultDependencies = false;
      before = [ "initrd-switch-root.target" ];
      conflicts = [ "initrd-switch-root.target" ];
      serviceConfig = {
        Type = "exec";
        ExecStart = "/bin/sh -c 'sleep ${
          toString (cfg.initrdMinutes * 60)
        }; systemctl reboot --force --force'";
      };
    };
    systemd.services.nixfleet-trial = {
      description = "Guard of a generation that boots for the first time";
      # Early, so that whatever else does not come up, this does.
      wantedBy = [ "sysinit.target" ];
      after = [ "local-fs.target" ];
      unitConfig = {
        ConditionPathExists = "/var/lib/nixfleet/trial";
        DefaultDependencies = false;
        RequiresMountsFor = "/var/lib/nixfleet";
      };
      path = [ "/run/current-system/sw" ];
      serviceConfig = {
        Type = "oneshot";
        # Not the path of a shell in the store: the guard is what hostops left on the disk.
        ExecStart = "${pkgs.runtimeShell} /var/lib/nixfleet/trial";
        TimeoutStartSec = 300;
      };
    };
  };
}
