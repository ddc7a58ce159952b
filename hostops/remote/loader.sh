# shellcheck shell=sh
# The boot loader, systemd-boot or GRUB, as NixOS writes its menu: which system boots by default, how another one becomes
# that, and how one is tried once. (nixpkgs: systemd-boot-builder.py calls the entries nixos-generation-N.conf and writes
# the default into loader.conf; install-grub.pl puts the default first and all generations into one submenu, and lets
# next_entry of the environment block win once.) Part of scripts that come after it. NF_HOST: the host's name.

PROFILE=/nix/var/nix/profiles/system

# menu: the file that says what boots by default; fails where there is none
menu() {
  for file in /boot/loader/loader.conf /efi/loader/loader.conf /boot/efi/loader/loader.conf /boot/grub/grub.cfg; do
    [ -r "$R$file" ] || continue
    printf '%s' "$file"
    return
  done
  return 1
}

# entry NAME: systemd-boot's entry; the kernels may be on another partition than loader.conf
entry() {
  for folder in /boot /efi /boot/efi; do
    [ -r "$R$folder/loader/entries/$1" ] || continue
    printf '%s' "$R$folder/loader/entries/$1"
    return
  done
  return 1
}

# system_of FILE: store path of the first system that the file starts
system_of() {
  sed -n 's|.*[[:space:]]init=\([^[:space:]]*\)/init.*|\1|p' "$1" | head -n 1
}

# boots_next: store path of the system that boots by default; where no loader has a menu, the profile's
boots_next() {
  file=$(menu) || {
    store "$PROFILE"
    return
  }
  case $file in
    */grub.cfg) system_of "$R$file" ;;
    *)
      file=$(entry "$(sed -n 's/^default[[:space:]]*//p' "$R$file")") || return 0
      system_of "$file"
      ;;
  esac
}

# number_of SYSTEM: the newest generation of the profile that is this system; nothing if none is
number_of() {
  for link in "$R$PROFILE"-*-link; do
    [ "$(store "${link#"$R"}")" = "$1" ] || continue
    number=${link#"$R$PROFILE-"}
    printf '%s\n' "${number%-link}"
  done | sort -n | tail -n 1
}

# install_menu SYSTEM: write the menu with this one as the default; fails unless the menu says so afterwards
install_menu() {
  EXPECTED_HOSTNAME="$NF_HOST" "$R$1/bin/switch-to-configuration" boot || return
  sync
  [ "$(boots_next)" = "$1" ]
}

# make_default SYSTEM: the profile's generation, and what boots from now on
make_default() {
  number=$(number_of "$1")
  if [ -n "$number" ] && nix-env --profile "$R$PROFILE" --switch-generation "$number" && install_menu "$1"; then
    return 0
  fi
  # The menu has the newest generations only, so an old one becomes a new one.
  nix-env --profile "$R$PROFILE" --set "$1" && install_menu "$1"
}

# once NUMBER: the next boot, and no other, is into this generation
once() {
  file=$(menu) || {
    echo "this host has neither systemd-boot nor GRUB: no entry can be tried once" >&2
    return 1
  }
  case $file in
    */grub.cfg)
      title=$(sed -n "s/^ *menuentry \"\([^\"]* - Configuration $1 [^\"]*\)\".*/\1/p" "$R$file" | head -n 1)
      all=$(sed -n 's/^ *submenu "\([^"]* - All configurations\)".*/\1/p' "$R$file" | head -n 1)
      if [ -z "$title" ] || [ -z "$all" ]; then
        echo "generation $1 is not in GRUB's menu" >&2
        return 1
      fi
      block=$R/boot/grub/grubenv
      [ -e "$block" ] || grub-editenv "$block" create || return
      grub-editenv "$block" set "next_entry=$all>$title" || return
      ;;
    *)
      entry "nixos-generation-$1.conf" >/dev/null || {
        echo "generation $1 is not in systemd-boot's menu" >&2
        return 1
      }
      bootctl set-oneshot "nixos-generation-$1.conf" || return
      ;;
  esac
  sync
}

# once_never: whatever was to be tried once is not
once_never() {
  case $(menu) in
    */grub.cfg) [ ! -e "$R/boot/grub/grubenv" ] || grub-editenv "$R/boot/grub/grubenv" unset next_entry ;;
    *) bootctl set-oneshot "" ;;
  esac
}

# refuse SYSTEM: no generation of the profile and no entry of the menu is this system; the default stays what it is
refuse() {
  default=$(boots_next)
  number=$(number_of "$1")
  if [ -z "$number" ] || [ "$default" = "$1" ]; then
    return 0
  fi
  nix-env --profile "$R$PROFILE" --switch-generation "$(number_of "$default")"
  nix-env --profile "$R$PROFILE" --delete-generations "$number"
  make_default "$default"
}
