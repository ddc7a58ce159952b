# The account that updates a host from outside: by one key, without terminal or forwarding, and by sudo of named commands.
# Whoever may set the system can become root by it; what this takes away is root's login and everything unnamed.
{
  config,
  lib,
  pkgs,
  ...
}:
let
  key = config.nixfleet.admins.deployKey;
  home = "/var/lib/deploy";
  tool = name: "/run/current-system/sw/bin/${name}";
in
{
  imports = [
    ./openssh.nix
    ./sudo.nix
    ./users.nix
  ];

  config = lib.mkIf (key != null) {
    environment.systemPackages = [ (import ../../packages pkgs).nixfleet-run ];
    # Systems come unsigned from the operator's machine: Nix' daemon takes them from trusted users only.
    nix.settings.trusted-users = [ "deploy" ];
    # A stack may have no administrator: the deploy key is a way in, which NixOS' check of logins does not count.
    users.allowNoPasswordLogin = true;
    users.groups.deploy = { };
    users.users.deploy = {
      isSystemUser = true;
      group = "deploy";
      useDefaultShell = true;
      # nixos-anywhere unpacks its installer there.
      createHome = true;
      inherit home;
      openssh.authorizedKeys.keys = [ "restrict ${key}" ];
    };
    security.sudo.extraRules = [
      {
        users = [ "deploy" ];
        commands =
          map
            (command: {
              inherit command;
              options = [ "NOPASSWD" ];
            })
            [
              # hostops' scripts, each noted in the journal.
              ''${tool "nixfleet-run"} ""''
              # What nixos-rebuild runs: the profile, then the loader's entry (nixos-rebuild-ng, models and services).
              "${tool "nix-env"} -p /nix/var/nix/profiles/system --set /nix/store/*"
              "${tool "systemd-run"} * /nix/store/*/bin/switch-to-configuration boot"
              # nixos-anywhere's way into its installer, where a token asks for another installation.
              "${tool "setsid"} --wait ${home}/kexec/kexec/run *"
            ];
      }
    ];
  };
}
