# Accounts of people, by key. What sudo asks them for is in sudo.nix, the fleet's own account in deploy.nix.
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
    sudo = mkOption {
      type = types.enum [
        "key"
        "password"
      ];
      default = "key";
      description = "What sudo asks administrators for: the key that they log in with, or a password of the encrypted file.";
    };
    deployKey = mkOption {
      type = types.nullOr types.str;
      default = null;
      description = "SSH public key that installs and updates the host.";
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
    users = {
      mutableUsers = false;
      users = lib.mapAttrs (_: one: {
        isNormalUser = true;
        extraGroups = lib.optional one.admin "wheel";
        openssh.authorizedKeys = { inherit (one) keys; };
      }) cfg.users;
    };
  };
}
