# shellcheck shell=bash
# Take from the file system labelled NIXFLEET what makes this installer a certain host's: the SSH host key, and networkd's
# files where the host's address is not one that the LAN's DHCP gives.
root=${NIXFLEET_ROOT:-}
label=$root/dev/disk/by-label/NIXFLEET
target=$root/etc/ssh/ssh_host_ed25519_key
udevadm settle --timeout=30 --exit-if-exists="$label" || true
if [ ! -e "$label" ]; then
  echo "nixfleet-medium: no file system is labelled NIXFLEET after 30 s: make one (mkfs.vfat -n NIXFLEET) with the host's bootstrap key in ssh_host_ed25519_key" >&2
  exit 1
fi
mountpoint=$(mktemp -d)
mount -o ro "$label" "$mountpoint"
install -D -m 0600 "$mountpoint/ssh_host_ed25519_key" "$target"
for file in "$mountpoint"/network/*.{link,netdev,network}; do
  [ -e "$file" ] || continue
  install -D -m 0644 "$file" "$root/run/systemd/network/${file##*/}"
done
umount "$mountpoint"
