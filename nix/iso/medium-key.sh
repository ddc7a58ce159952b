# shellcheck shell=bash
# Copy the SSH host key from the file system labelled NIXFLEET to where sshd reads it.
root=${NIXFLEET_ROOT:-}
label=$root/dev/disk/by-label/NIXFLEET
target=$root/etc/ssh/ssh_host_ed25519_key
for _ in $(seq 30); do
  [ -e "$label" ] && break
  sleep 1
done
if [ ! -e "$label" ]; then
  echo "nixfleet-medium-key: no file system is labelled NIXFLEET after 30 s: make one (mkfs.vfat -n NIXFLEET) with the host's bootstrap key in ssh_host_ed25519_key" >&2
  exit 1
fi
mountpoint=$(mktemp -d)
mount -o ro "$label" "$mountpoint"
install -D -m 0600 "$mountpoint/ssh_host_ed25519_key" "$target"
umount "$mountpoint"
