#!/bin/sh
# Another SSH host key. NF_PRIVATE, NF_PUBLIC: the halves. Connections that are there stay; new ones see the new key.

key=/etc/ssh/ssh_host_ed25519_key

main() {
  if [ -e "$R/persist$key" ]; then
    # What is below /etc is mounted over there: a file of its own cannot be put in its place until the next boot.
    printf '%s\n' "$NF_PRIVATE" | put "/persist$key" 0600 || exit
    printf '%s\n' "$NF_PUBLIC" | put "/persist$key.pub" 0644 || exit
    printf '%s\n' "$NF_PRIVATE" >"$R$key" && printf '%s\n' "$NF_PUBLIC" >"$R$key.pub" || exit
  else
    printf '%s\n' "$NF_PRIVATE" | put "$key" 0600 || exit
    printf '%s\n' "$NF_PUBLIC" | put "$key.pub" 0644 || exit
  fi
  systemctl restart sshd.service && say hostkey written
}

main </dev/null
