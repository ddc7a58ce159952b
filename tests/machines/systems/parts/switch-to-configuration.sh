# shellcheck shell=sh
# shellcheck disable=SC2154 # build.sh writes `system`, `way`, `partitions`, `address` and `loader` before it
# NixOS' own order: the lock, the checks before a switch, the boot loader, the activation, then units. Exit codes are
# NixOS' as well: 1 nothing was done, 2 the activation failed, 4 a unit failed, 100 only a reboot can do it.
action=${1-}
case $action in
  switch | boot | test) ;;
  dry-activate | check) exit 0 ;;
  *)
    echo "Usage: $0 [check|switch|boot|test|dry-activate]" >&2
    exit 1
    ;;
esac
[ -e /etc/NIXOS ] || {
  echo "This is not a NixOS installation!" >&2
  exit 1
}
trap '' HUP PIPE
PATH=$system/sw/bin:/usr/sbin:/usr/bin:/sbin:/bin
mkdir -p /run/nixos
exec 9>>/run/nixos/switch-to-configuration.lock
flock -n 9 || {
  echo "Could not acquire lock" >&2
  exit 1
}
if ! (
  [ "$action" != boot ] || export NIXFLEET_ALLOW_INHIBITED=1
  nixfleet-preflight "$system"
); then
  echo "Pre-switch checks failed" >&2
  exit 1
fi
if [ "$action" != test ]; then
  "$system/bin/install-boot-loader" || {
    echo "Failed to install bootloader" >&2
    exit 1
  }
fi
[ "$action" != boot ] || exit 0
[ "$way" != reboot-needed ] || {
  echo "This configuration cannot be activated on the running system; reboot into it" >&2
  exit 100
}

old=$(readlink -f /run/current-system)
units() {
  for file in "$1"/etc/systemd/system/*.service; do
    printf '%s ' "${file##*/}"
  done
}
stopped='' changed=''
for unit in $(units "$old"); do
  if [ ! -e "$system/etc/systemd/system/$unit" ]; then
    stopped="$stopped $unit"
  elif ! cmp -s "$old/etc/systemd/system/$unit" "$system/etc/systemd/system/$unit"; then
    changed="$changed $unit"
  fi
done
if [ -n "$stopped$changed" ]; then
  echo "stopping the following units:$stopped$changed" >&2
  # shellcheck disable=SC2086 # words
  systemctl stop $stopped $changed 9>&-
fi

echo "activating the configuration..." >&2
status=0
case $way in
  slow) sleep 20 9>&- ;;
  hangs) sleep infinity 9>&- ;;
  hangs-deaf)
    # Neither it nor what it started ends when it is asked to.
    trap '' TERM INT HUP
    while :; do sleep 60; done
    ;;
  panics) echo c >/proc/sysrq-trigger ;;
esac
"$system/activate" 9>&- || status=2

[ "$way" != reexec ] || {
  echo "restarting systemd..." >&2
  systemctl daemon-reexec
}
systemctl daemon-reload
if ! cmp -s "$old/etc/systemd/network/eth0.network" "$system/etc/systemd/network/eth0.network"; then
  systemctl restart systemd-networkd.service
fi
# As NixOS does: what is wanted and does not run is started, what changed was stopped before.
systemctl reset-failed
# shellcheck disable=SC2046 # words
systemctl start $(units "$system") 9>&- || :
property() {
  systemctl show "$1" --property="$2" --value
}
failed=
for unit in $(units "$system"); do
  # One that waits to be started again has failed too.
  if [ "$(property "$unit" ActiveState)" = failed ] ||
    { [ "$(property "$unit" SubState)" = auto-restart ] && [ "$(property "$unit" ExecMainStatus)" != 0 ]; }; then
    failed="$failed $unit"
  fi
done
if [ -n "$failed" ]; then
  echo "warning: the following units failed:$failed" >&2
  status=4
fi
exit "$status"
