# shellcheck shell=sh
# shellcheck disable=SC2154 # of the derivation
mkdir "$out"
echo "$kernel" >"$out/bzImage"
echo "$kernel" >"$out/initrd"
mkdir "$out/lib"
