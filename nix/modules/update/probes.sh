# Run the probes of the running system; the first that fails ends it: nixfleet-probes
settings=${NIXFLEET_ROOT:-}/etc/nixfleet/update.json
count=$(jq '.probes | length' "$settings")
for ((i = 0; i < count; i++)); do
  name=$(jq -r ".probes[$i].name" "$settings")
  command=$(jq -r ".probes[$i].command" "$settings")
  limit=$(jq -r ".probes[$i].timeoutSeconds" "$settings")
  code=0
  timeout -k 5 "$limit" sh -c "$command" >&2 </dev/null || code=$?
  if [ "$code" != 0 ]; then
    echo "nixfleet-probes: probe $name ended with $code (124: after its limit of $limit s): see its output above" >&2
    exit 1
  fi
done
