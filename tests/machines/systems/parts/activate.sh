# shellcheck shell=sh
# shellcheck disable=SC2154 # build.sh writes `system`, `way`, `partitions`, `address` and `loader` before it
# What an activation lays below /etc and /run. $1: `boot`, where nothing runs yet.

# lay FROM TO: a link below /etc to a file of the system
lay() {
  mkdir -p "${2%/*}"
  ln -sfn "$1" "$2.draft"
  mv -Tf "$2.draft" "$2"
}

[ "$way" != activation-fails ] || [ "${1-}" = boot ] || {
  echo "Activation script snippet 'etc' failed (1)" >&2
  exit 1
}
cp --remove-destination "$system/etc/os-release" /etc/os-release
touch /etc/NIXOS
cp "$system/host" /etc/hostname
hostname "$(cat "$system/host")" 2>/dev/null || :
printf '/dev/disk/by-partlabel/%sesp /boot vfat umask=0077 0 2\n' "$partitions" >/etc/fstab
mkdir -p /boot /var/lib/nixfleet /etc/ssh/authorized_keys.d /etc/nixfleet
chmod 0700 /var/lib/nixfleet
cp "$system/deploy-key" /etc/ssh/authorized_keys.d/root
lay "$system/etc/nixfleet/inhibitors.json" /etc/nixfleet/inhibitors.json
lay "$system/etc/k3s.yaml" /etc/rancher/k3s/config.yaml
# Before Debian's own, which finds nobody at k3s' port.
lay "$system/sw/bin/curl" /usr/local/bin/curl
lay "$system/etc/systemd/network/eth0.network" /etc/systemd/network/eth0.network
# Units of an earlier system that this one has not, those of the medium among them, which is Debian's.
for link in /etc/systemd/system/*.service; do
  case $(readlink "$link") in /nix/store/*) rm -f "$link" "/etc/systemd/system/multi-user.target.wants/${link##*/}" ;; esac
done
rm -f /etc/systemd/system/sshd.service /etc/systemd/system/multi-user.target.wants/sshd.service
for unit in "$system"/etc/systemd/system/*.service; do
  lay "$unit" "/etc/systemd/system/${unit##*/}"
  target=multi-user.target
  [ "${unit##*/}" != nixfleet-trial.service ] || target=sysinit.target
  lay "/etc/systemd/system/${unit##*/}" "/etc/systemd/system/$target.wants/${unit##*/}"
done
ln -sfn "$system" /run/current-system
