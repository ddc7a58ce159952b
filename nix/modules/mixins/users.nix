# Accounts of people and of the fleet's own deploy key. Passwords exist for nobody.
{ config, lib, ... }:
let
  inherit (lib) mkOption types;
  cfg = config.nixfleet.admins;
  user = types.submodule {
    options = {
      keys = mkOption {
        type = types.listOf types.str;
        description = "SSH public keys.";
      };
      admin = mkOption {
        type = types.bool;
        default = false;
        description = "Whether the account may use sudo.";
      };
    };
  };
  adminKeys = lib.concatMap (one: lib.optionals one.admin one.keys) (lib.attrValues cfg.users);
in
{
  options.nixfleet.admins = {
    users = mkOption {
      type = types.attrsOf user;
      default = { };
      description = "People with an account.";
    };
    deployKey = mkOption {
      type = types.nullOr types.str;
      default = null;
      description = "SSH public key that installs and updates the host, as root.";
    };
    ranges = mkOption {
      type = types.listOf types.str;
      default = [ ];
      example = [ "192.0.2.0/24" ];
      description = "Ranges that may reach SSH and the API from outside the cluster network; empty leaves SSH open.";
    };
    allKeys = mkOption {
      type = types.listOf types.str;
      readOnly = true;
      description = "The deploy key and the keys of all admins.";
    };
  };

  config = {
    nixfleet.admins.allKeys = lib.optional (cfg.deployKey != null) cfg.deployKey ++ adminKeys;
    assertions = [
      {
        assertion = cfg.users == { } || cfg.allKeys != [ ];
        message = "nixfleet.admins.users has no admin with a key, and there is no deploy key: nobody could log in: give one user admin = true and a key";
      }
    ];
    # Passwords are locked, so sudo cannot ask for one: an admin's key is the proof.
    security.sudo.wheelNeedsPassword = false;
    users = {
      mutableUsers = false;
      users = {
        root.openssh.authorizedKeys.keys = lib.optional (cfg.deployKey != null) cfg.deployKey;
      }
      // lib.mapAttrs (_: one: {
        isNormalUser = true;
        extraGroups = lib.optional one.admin "wheel";
        openssh.authorizedKeys = { inherit (one) keys; };
      }) cfg.users;
    };
  };
}
