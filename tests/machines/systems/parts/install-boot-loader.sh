# shellcheck shell=sh
# shellcheck disable=SC2154 # build.sh writes `system`, `way`, `partitions` and `address` before it
# The menu of systemd-boot as NixOS writes it: an entry per generation, the default is this system's.
esp=/boot
[ -d "$esp/EFI" ] || [ "${NIXOS_INSTALL_BOOTLOADER-}" = 1 ] || exit 1
if [ "${NIXOS_INSTALL_BOOTLOADER-}" = 1 ]; then
  bootctl --esp-path="$esp" --no-variables install >/dev/null || exit
fi
mkdir -p "$esp/EFI/nixos" "$esp/loader/entries"

# image PATH KIND: copies a kernel or an initrd under the name of its store path; prints the name
image() {
  path=$(readlink -f "$1")
  name=${path#/nix/store/}
  name=$(printf '%s' "$name" | tr / -)
  file=$esp/EFI/nixos/$name.efi
  if [ ! -e "$file" ]; then
    case $name in
      *linux-bad-*) printf 'no kernel\n' >"$file.draft" ;;
      *) cp "/usr/lib/fleet/$2" "$file.draft" || return ;;
    esac
    mv "$file.draft" "$file" || return
  fi
  printf '/EFI/nixos/%s.efi' "$name"
}

default=
kept=
for link in /nix/var/nix/profiles/system-*-link; do
  of=$(readlink -f "$link")
  number=${link#/nix/var/nix/profiles/system-}
  number=${number%-link}
  entry=nixos-generation-$number.conf
  kernel=$(image "$of/kernel" vmlinuz) || exit
  initrd=$(image "$of/initrd" initrd) || exit
  # As the entry of the medium, with the system's own first process.
  {
    printf 'title NixOS\nsort-key nixos\nversion Generation %s NixOS 26.05, built on 2026-01-01\n' "$number"
    printf 'linux %s\ninitrd %s\n' "$kernel" "$initrd"
    printf 'options init=%s/init boot=fleet fleet.disk=%sroot console=ttyS0 systemd.show_status=0 net.ifnames=0 mitigations=off no_timer_check panic=5 %s\n' \
      "$of" "$partitions" "$(cat "$of/kernel-params")"
  } >"$esp/loader/entries/$entry.draft" || exit
  mv "$esp/loader/entries/$entry.draft" "$esp/loader/entries/$entry"
  kept="$kept $entry"
  if [ "$of" = "$system" ]; then default=$entry; fi
done
for file in "$esp"/loader/entries/nixos-*.conf; do
  case " $kept " in *" ${file##*/} "*) ;; *) rm -f "$file" ;; esac
done
[ -n "$default" ] || default=$(sed -n 's/^default //p' "$esp/loader/loader.conf" 2>/dev/null)
printf 'timeout 0\ndefault %s\nconsole-mode keep\n' "$default" >"$esp/loader/loader.conf.draft" &&
  mv "$esp/loader/loader.conf.draft" "$esp/loader/loader.conf" &&
  sync -f "$esp"
