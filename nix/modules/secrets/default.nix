# The user's own secrets: a file per host, readable by that host only, decrypted with its SSH host key.
# The fleet's keys and tokens are not among them: they come with the installation.
{ config, lib, ... }:
let
  cfg = config.nixfleet.secrets;
  inherit (config.nixfleet) admins;
  asksPassword = admins.sudo == "password";
  people = lib.attrNames (lib.filterAttrs (_: one: one.admin) admins.users);
  secretOf = name: "password-${name}";
in
{
  imports = [ ../k3s ];

  options.nixfleet.secrets = {
    file = lib.mkOption {
      type = lib.types.nullOr lib.types.path;
      default = null;
      description = "Encrypted file of this host; null where it has none.";
    };
    shared = lib.mkOption {
      type = lib.types.nullOr lib.types.path;
      default = null;
      description = "Encrypted file that all hosts of the stack read; null where there is none.";
    };
    hostKey = lib.mkOption {
      type = lib.types.str;
      default = "/etc/ssh/ssh_host_ed25519_key";
      description = "The host key that decrypts it. It is there before the first boot.";
    };
  };

  config = lib.mkMerge [
    (lib.mkIf (cfg.file != null || cfg.shared != null) {
      sops = {
        age = {
          # No key is made up on the host: nothing would be encrypted to it.
          generateKey = false;
          sshKeyPaths = [ cfg.hostKey ];
        };
        # A secret of the shared file names it: `sops.secrets.<name>.sopsFile = config.nixfleet.secrets.shared`.
        defaultSopsFile = if cfg.file != null then cfg.file else cfg.shared;
        gnupg.sshKeyPaths = [ ];
      };
    })
    (lib.mkIf asksPassword {
      assertions = [
        {
          assertion = cfg.shared != null;
          message = "nixfleet.admins.sudo is password, and nixfleet.secrets.shared is not set: the hashes are in the stack's encrypted file: write secrets/<stack>/shared.yaml with password-<user>, or set adminSudo to key in the stack file";
        }
      ];
      sops.secrets = lib.genAttrs (map secretOf people) (_: {
        neededForUsers = true;
        sopsFile = lib.mkIf (cfg.shared != null) cfg.shared;
      });
      users.users = lib.genAttrs people (name: {
        hashedPasswordFile = config.sops.secrets.${secretOf name}.path;
      });
    })
  ];
}
