# shellcheck shell=bash
# Whether a kernel's configuration has every option that was asked for: kernel-config.sh CONFIG OPTION...
config=$1
shift
missing=()
for option in "$@"; do
  grep -qE "^CONFIG_$option=[my]$" "$config" || missing+=("$option")
done
if [ "${#missing[@]}" != 0 ]; then
  echo "kernel-config: $config lacks ${missing[*]}: the kernel knows no option of that name, or another one forbids it" >&2
  exit 1
fi
