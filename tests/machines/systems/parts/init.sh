# shellcheck shell=sh
# shellcheck disable=SC2154 # build.sh writes `system`, `way`, `partitions`, `address` and `loader` before it
# The first process of a boot into this system: what NixOS' second stage does, then systemd.
case $way in
  no-boot) exit 1 ;;
  hangs-at-boot) while :; do sleep 60; done ;;
esac
ln -sfn "$system" /run/booted-system
"$system/activate" boot
exec /lib/systemd/systemd
