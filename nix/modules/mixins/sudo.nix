# sudo for administrators and, by named commands, for the deploy account; nobody else by a rule at the side.
{ config, lib, ... }:
let
  cfg = config.security.sudo;
  inherit (config.nixfleet) admins;
  allowed = [
    "deploy"
    "root"
    "wheel"
  ];
  named = lib.concatMap (rule: rule.users ++ rule.groups) cfg.extraRules;
  strangers = lib.filter (name: !lib.elem name allowed) (map toString named);
in
{
  imports = [ ./users.nix ];

  config = {
    security = {
      sudo = {
        # Not for wheel alone: the deploy account runs its commands by it.
        execWheelOnly = false;
        wheelNeedsPassword = lib.mkDefault true;
        extraConfig = ''
          Defaults lecture = never
        '';
      };
      # The key that they log in with, through their agent, looked up in files that only root writes.
      pam.sshAgentAuth = {
        enable = admins.sudo == "key";
        authorizedKeysFiles = [ "/etc/ssh/authorized_keys.d/%u" ];
      };
    };
    assertions = [
      {
        assertion = strangers == [ ];
        message = "security.sudo.extraRules names ${lib.concatStringsSep ", " strangers}: only root, wheel and deploy may use sudo: make the account an admin or remove the rule";
      }
    ];
  };
}
