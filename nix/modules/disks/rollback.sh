# shellcheck shell=bash
# Initrd: return the root to its blank snapshot. What the installer wrote to it (identity, keys) moves to /persist first.
mkdir -p /tmp/root /tmp/persist
mount -t zfs rpool/local/root /tmp/root
mount -t zfs rpool/safe/persist /tmp/persist
for path in etc/nixfleet etc/ssh etc/machine-id; do
  if [ -e "/tmp/root/$path" ] && [ ! -e "/tmp/persist/$path" ]; then
    mkdir -p "/tmp/persist/${path%/*}"
    cp -a "/tmp/root/$path" "/tmp/persist/$path"
  fi
done
umount /tmp/root /tmp/persist
zfs rollback -r rpool/local/root@blank
