# A generation that does not come up is left by the boot loader itself, after so many tries.
{
  config,
  lib,
  options,
  pkgs,
  ...
}:
let
  cfg = config.nixfleet.updateGuard;
  loader = config.boot.loader;
  # Which of GRUB's packages a machine can have; both bring the editor of the block.
  grub = if config.nixpkgs.hostPlatform.isx86_64 then pkgs.grub2 else pkgs.grub2_efi;
  block = "/boot/grub/grubenv";
  confirm = pkgs.writeShellApplication {
    name = "nixfleet-boot-confirm";
    runtimeInputs = lib.optional loader.grub.enable grub;
    text = builtins.readFile ./boot-confirm.sh;
  };
  # GRUB counts in its environment block, which it can write on FAT and ext4. The second entry is the menu of all
  # generations, newest first; its second one is the previous.
  grubScript = ''
    if [ -s $prefix/grubenv ]; then load_env; fi
    if [ "$nixfleet_tries" = "0" ]; then
      set default="1>1"
    elif [ -n "$nixfleet_tries" ]; then
      if [ "$nixfleet_tries" = "1" ]; then set nixfleet_tries=0; fi
      if [ "$nixfleet_tries" = "2" ]; then set nixfleet_tries=1; fi
      if [ "$nixfleet_tries" = "3" ]; then set nixfleet_tries=2; fi
      save_env nixfleet_tries
    fi
  '';
in
{
  options.nixfleet.updateGuard.bootTries = lib.mkOption {
    type = lib.types.ints.between 1 3;
    default = 2;
    description = "How often a new generation is tried before the previous one is booted.";
  };

  config = lib.mkMerge [
    (lib.mkIf loader.grub.enable {
      boot.loader.grub.extraConfig = grubScript;
      # Each installation of a generation starts a new count; the confirmation ends it.
      boot.loader.grub.extraInstallCommands = ''
        [ -e ${block} ] || ${grub}/bin/grub-editenv ${block} create
        ${grub}/bin/grub-editenv ${block} set nixfleet_tries=${toString cfg.bootTries}
      '';
    })
    (lib.optionalAttrs (options.boot.loader.systemd-boot ? bootCounting) {
      # In NixOS since 26.05; systemd itself confirms there, after boot-complete.target.
      boot.loader.systemd-boot.bootCounting = {
        enable = loader.systemd-boot.enable;
        tries = cfg.bootTries;
      };
      systemd.targets.boot-complete.requires = [ "nixfleet-boot-confirm.service" ];
    })
    {
      systemd.services.nixfleet-boot-confirm = {
        description = "Confirm that this generation came up";
        wantedBy = [ "multi-user.target" ];
        after = [
          "sshd.service"
          "network-online.target"
        ];
        wants = [ "network-online.target" ];
        requires = [ "sshd.service" ];
        before = [ "boot-complete.target" ];
        environment.LOADER = if loader.grub.enable then "grub" else "systemd-boot";
        serviceConfig = {
          Type = "oneshot";
          RemainAfterExit = true;
          ExecStart = lib.getExe confirm;
          TimeoutStartSec = 120;
        };
      };
    }
  ];
}
