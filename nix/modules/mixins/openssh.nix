# SSH: keys only, modern algorithms, and only the host key that is pinned.
{ lib, ... }:
{
  config.services.openssh = {
    enable = true;
    # Home directories are writable by whoever runs there.
    authorizedKeysInHomedir = false;
    hostKeys = [
      {
        path = "/etc/ssh/ssh_host_ed25519_key";
        type = "ed25519";
      }
    ];
    settings = {
      Ciphers = [
        "chacha20-poly1305@openssh.com"
        "aes256-gcm@openssh.com"
        "aes128-gcm@openssh.com"
      ];
      KbdInteractiveAuthentication = false;
      KexAlgorithms = [
        "sntrup761x25519-sha512@openssh.com"
        "curve25519-sha256"
        "curve25519-sha256@libssh.org"
        "diffie-hellman-group16-sha512"
        "diffie-hellman-group18-sha512"
      ];
      Macs = [
        "hmac-sha2-512-etm@openssh.com"
        "hmac-sha2-256-etm@openssh.com"
      ];
      MaxAuthTries = 3;
      PasswordAuthentication = false;
      PermitRootLogin = lib.mkDefault "no";
      X11Forwarding = false;
    };
  };
}
