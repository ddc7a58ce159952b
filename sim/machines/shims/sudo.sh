#!/usr/bin/env bash
# Simulated sudo without a password: commands see root from here on. The deploy account may run what NixOS' rules name for it;
# sim-receive stands for Nix' daemon, which trusts it, and sim-kexec for nixos-anywhere's way into the installer.
while [[ ${1-} == -* ]]; do
  case $1 in
    -n | -E | -H) shift ;;
    -u)
      [[ ${2-} == root ]] || {
        printf 'sudo: only root is simulated, not %s\n' "${2-}" >&2
        exit 1
      }
      shift 2
      ;;
    --)
      shift
      break
      ;;
    *)
      printf 'sudo: option %s is not simulated\n' "$1" >&2
      exit 1
      ;;
  esac
done
if [[ ${SIM_USER-} == deploy ]]; then
  case "$*" in
    nixfleet-run | sim-kexec | "nix-env -p /nix/var/nix/profiles/system --set /nix/store/"* | "sim-receive "*) ;;
    "$NIXFLEET_ROOT"/nix/store/*"/bin/switch-to-configuration boot") ;;
    *)
      printf 'sudo: a password is required\n' >&2
      exit 1
      ;;
  esac
fi
exec env SIM_USER=root USER=root LOGNAME=root HOME="$NIXFLEET_ROOT/root" "$@"
