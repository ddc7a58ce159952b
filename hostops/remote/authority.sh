#!/bin/sh
# The authority that signs what this server shows: certificate and key, in base64, which has no line ends.

main() {
  tls=$R/var/lib/rancher/k3s/server/tls
  say certificate "$(base64 <"$tls/server-ca.crt" | tr -d '\n')"
  say key "$(base64 <"$tls/server-ca.key" | tr -d '\n')"
}

main </dev/null
