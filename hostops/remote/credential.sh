#!/bin/sh
# A token of a service account, from the API itself: it ends by itself, and with the secret that it is bound to.

main() {
  k3s kubectl --request-timeout=10s create token "$NF_ACCOUNT" --namespace="$NF_NAMESPACE" --duration="$NF_DURATION" \
    --bound-object-kind=Secret --bound-object-name="$NF_ANCHOR"
}

main </dev/null
