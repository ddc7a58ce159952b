# The user's own secrets: a file per host, readable by that host only, decrypted with its SSH host key.
# The fleet's keys and tokens are not among them: they come with the installation.
{ config, lib, ... }:
let
  cfg = config.nixfleet.secrets;
in
{
  options.nixfleet.secrets = {
    file = lib.mkOption {
      type = lib.types.nullOr lib.types.path;
      default = null;
      description = "Encrypted file of this host; null where it has none.";
    };
    hostKey = lib.mkOption {
      type = lib.types.str;
      default = "/etc/ssh/ssh_host_ed25519_key";
      description = "The host key that decrypts it. It is there before the first boot.";
    };
  };

  config = lib.mkIf (cfg.file != null) {
    sops = {
      age = {
        # No key is made up on the host: nothing would be encrypted to it.
        generateKey = false;
        sshKeyPaths = [ cfg.hostKey ];
      };
      defaultSopsFile = cfg.file;
      gnupg.sshKeyPaths = [ ];
    };
    systemd.services.k3s.after = lib.mkIf config.nixfleet.k3s.enable [ "sops-nix.service" ];
  };
}
