# shellcheck shell=sh
# shellcheck disable=SC2154 # build.sh writes `system`, `way`, `partitions`, `address` and `loader` before it
# The menu of systemd-boot or of GRUB as NixOS writes it: an entry per generation, the default is this system's.
esp=/boot
[ -d "$esp/EFI" ] || [ "${NIXOS_INSTALL_BOOTLOADER-}" = 1 ] || exit 1
mkdir -p "$esp/EFI/nixos" "$esp/EFI/BOOT"

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

# words SYSTEM: the kernel's, as in the entry of the medium, with the system's own first process
words() {
  printf 'init=%s/init boot=fleet fleet.disk=%sroot console=ttyS0 systemd.show_status=0 net.ifnames=0 mitigations=off no_timer_check panic=5 %s' \
    "$1" "$partitions" "$(cat "$1/kernel-params")"
}

numbers() {
  for link in /nix/var/nix/profiles/system-*-link; do
    number=${link#/nix/var/nix/profiles/system-}
    printf '%s\n' "${number%-link}"
  done | sort -n
}

systemd_boot() {
  if [ "${NIXOS_INSTALL_BOOTLOADER-}" = 1 ]; then
    bootctl --esp-path="$esp" --no-variables install >/dev/null || return
  fi
  mkdir -p "$esp/loader/entries"
  default='' kept=''
  for number in $(numbers); do
    of=$(readlink -f "/nix/var/nix/profiles/system-$number-link")
    entry=nixos-generation-$number.conf
    kernel=$(image "$of/kernel" vmlinuz) || return
    initrd=$(image "$of/initrd" initrd) || return
    {
      printf 'title NixOS\nsort-key nixos\nversion Generation %s NixOS 26.05, built on 2026-01-01\n' "$number"
      printf 'linux %s\ninitrd %s\noptions %s\n' "$kernel" "$initrd" "$(words "$of")"
    } >"$esp/loader/entries/$entry.draft" || return
    mv "$esp/loader/entries/$entry.draft" "$esp/loader/entries/$entry"
    kept="$kept $entry"
    if [ "$of" = "$system" ]; then default=$entry; fi
  done
  for file in "$esp"/loader/entries/nixos-*.conf; do
    case " $kept " in *" ${file##*/} "*) ;; *) rm -f "$file" ;; esac
  done
  [ -n "$default" ] || default=$(sed -n 's/^default //p' "$esp/loader/loader.conf" 2>/dev/null)
  printf 'timeout 0\ndefault %s\nconsole-mode keep\n' "$default" >"$esp/loader/loader.conf.draft" &&
    mv "$esp/loader/loader.conf.draft" "$esp/loader/loader.conf"
}

# entry TITLE SYSTEM: of GRUB's menu
entry() {
  printf 'menuentry "%s" --class nixos --unrestricted {\n  linux %s %s\n  initrd %s\n}\n' "$1" \
    "$(image "$2/kernel" vmlinuz)" "$(words "$2")" "$(image "$2/initrd" initrd)"
}

grub() {
  # A loader that was there before goes, as its menu would be read.
  rm -rf "$esp/loader" "$esp/EFI/systemd"
  mkdir -p "$esp/grub"
  grub-mkimage -O x86_64-efi -p /grub -o "$esp/EFI/BOOT/draft" \
    part_gpt fat normal linux loadenv test echo configfile && mv "$esp/EFI/BOOT/draft" "$esp/EFI/BOOT/BOOTX64.EFI" || return
  {
    cat <<'MENU'
if [ -s $prefix/grubenv ]; then
  load_env
fi
if [ "${next_entry}" ]; then
  set default="${next_entry}"
  set next_entry=
  save_env next_entry
  set boot_once=true
else
  set default=0
fi
set timeout=0
MENU
    entry 'NixOS - Default' "$system"
    printf 'submenu "NixOS - All configurations" --class submenu {\n'
    for number in $(numbers); do
      entry "NixOS - Configuration $number (2026-01-01 - 26.05)" "$(readlink -f "/nix/var/nix/profiles/system-$number-link")"
    done
    printf '}\n'
  } >"$esp/grub/grub.cfg.draft" && mv "$esp/grub/grub.cfg.draft" "$esp/grub/grub.cfg"
}

if [ "$loader" = grub ]; then grub; else systemd_boot; fi && sync -f "$esp"
