# sudo for wheel only, and nobody else by a rule at the side.
{ config, lib, ... }:
let
  cfg = config.security.sudo;
  allowed = [
    "root"
    "wheel"
  ];
  named = lib.concatMap (rule: rule.users ++ rule.groups) cfg.extraRules;
  strangers = lib.filter (name: !lib.elem name allowed) (map toString named);
in
{
  config = {
    security.sudo = {
      execWheelOnly = true;
      wheelNeedsPassword = lib.mkDefault true;
      extraConfig = ''
        Defaults lecture = never
      '';
    };
    assertions = [
      {
        assertion = strangers == [ ];
        message = "security.sudo.extraRules names ${lib.concatStringsSep ", " strangers}: only root and wheel may use sudo: make the account an admin or remove the rule";
      }
    ];
  };
}
