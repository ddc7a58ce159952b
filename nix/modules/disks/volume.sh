# shellcheck shell=bash
# Make the file system labelled longhorn on the machine's one blank Hetzner volume, unless it is there.
root=${NIXFLEET_ROOT:-}
if [ -e "$root/dev/disk/by-label/longhorn" ]; then
  exit 0
fi
volumes=()
for path in "$root"/dev/disk/by-id/scsi-0HC_Volume_*; do
  case $path in *-part* | *\*) ;; *) volumes+=("$path") ;; esac
done
if [ "${#volumes[@]}" != 1 ]; then
  echo "nixfleet-volume: ${#volumes[@]} volumes are attached (${volumes[*]:-none}), 1 is expected: attach the host's volume" >&2
  exit 1
fi
found=$(wipefs --no-act --parsable "${volumes[0]}")
if [ -n "$found" ]; then
  echo "nixfleet-volume: ${volumes[0]} is not blank and has no file system labelled longhorn: it is left alone; label it with e2label or detach it ($found)" >&2
  exit 1
fi
mkfs.ext4 -q -L longhorn "${volumes[0]}"
udevadm settle --timeout=30
