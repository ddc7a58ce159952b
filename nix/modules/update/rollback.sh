# Return to a generation and make it the one that boots: nixfleet-rollback GENERATION
generation=$1
root=${NIXFLEET_ROOT:-}
profile=$root/nix/var/nix/profiles/system
target=$profile-$generation-link
if [ ! -e "$target" ]; then
  echo "nixfleet-rollback: generation $generation does not exist: nothing was changed" >&2
  exit 3
fi
system=$(readlink -f "$target")
mkdir -p "$root/var/lib/nixfleet"
printf '{"generation": %s, "system": "%s", "at": "%s"}\n' "$generation" "$system" "$(date -u +%FT%TZ)" \
  >"$root/var/lib/nixfleet/rolled-back.json"
nix-env --profile "$profile" --set "$system"
"$system/bin/switch-to-configuration" switch
