#!/bin/sh
# New tokens on running nodes. NF_ACT: rotate, on one server, tells the cluster; take, on every node, lays its own and
# starts k3s again. NF_OLD, NF_NEW: the server's token; NF_FILES: names; NF_<NAME>: contents, as with deliver.

# ask USER: let the API take the new token, as `k3s token rotate` does, whose arguments would show both of them
ask() {
  {
    printf 'request = "PUT"\nurl = "https://127.0.0.1:6443/v1-k3s/token"\nsilent\noutput = "/dev/null"\n'
    printf 'cacert = "%s/var/lib/rancher/k3s/server/tls/server-ca.crt"\nwrite-out = "%%{http_code}"\n' "$R"
    printf 'user = "server:%s"\ndata = "{\\"newToken\\":\\"%s\\"}"\n' "$1" "$NF_NEW"
  } | put /run/nixfleet/token.curl 0600 || exit
  code=$(curl --config "$R/run/nixfleet/token.curl")
  rm -f "$R/run/nixfleet/token.curl"
  printf '%s' "$code"
}

rotate() {
  code=$(ask "$NF_OLD")
  # A run that was killed may have done it.
  [ "$code" = 200 ] || code=$(ask "$NF_NEW")
  say code "$code"
}

take() {
  for name in $NF_FILES; do
    variable=NF_$(printf '%s' "$name" | tr 'a-z-' 'A-Z_')
    eval "printf '%s' \"\$$variable\"" | put "/etc/nixfleet/secrets/$name" 0400 || exit
  done
  systemctl restart --no-block k3s.service && say restarted yes
}

main() {
  "$NF_ACT"
}

main </dev/null
