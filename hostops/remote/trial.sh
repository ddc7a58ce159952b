# shellcheck shell=sh
# The guard of a system that boots for the first time: this script lies on the disk, and every boot of the host runs it
# (nixfleet-trial.service of nix/modules/update) until the system has proven itself or was left.
# NF_WANTED: the system on trial; NF_PREVIOUS: what boots by default meanwhile; NF_BOOT: the boot in which it was armed;
# NF_MINUTES: the trial's limit; NF_BY: `operator` confirms it, or the `host` itself; NF_ROLE, NF_ADDRESS: as in the contract.

# back REASON: note that the system is refused
note() {
  mkdir -p "$R/var/lib/nixfleet"
  printf '{"refused": "%s", "system": "%s", "at": "%s", "reason": "%s"}\n' \
    "$NF_WANTED" "$NF_PREVIOUS" "$(date -u +%FT%TZ)" "$1" | put /var/lib/nixfleet/rolled-back.json 0600
}

# healthy: the node is Ready in this boot, and the address that the cluster knows is on an interface
healthy() {
  [ "$(systemctl is-active k3s.service)" = active ] || return
  ip -o address show to "$NF_ADDRESS" | grep -q . || return
  [ "$(kubectl get node "$NF_HOST" -o \
    'jsonpath={.status.conditions[?(@.type=="Ready")].status} {.status.nodeInfo.bootID}' 2>/dev/null)" = \
    "True $(first /proc/sys/kernel/random/boot_id)" ]
}

# begin: what every boot does
begin() {
  if [ "$(first /proc/sys/kernel/random/boot_id)" = "$NF_BOOT" ]; then
    return 0 # armed, and the reboot is still to come
  fi
  if [ "$(store /run/booted-system)" != "$NF_WANTED" ]; then
    [ -n "$(rolled_back)" ] || note "its boot did not come up"
    rm -f "$R/var/lib/nixfleet/trial"
    refuse "$NF_WANTED"
    return
  fi
  systemd-run --quiet --unit=nixfleet-trial-end --on-active="${NF_MINUTES}m" --timer-property=AccuracySec=1s \
    --description="back to $NF_PREVIOUS" /bin/sh "$R/var/lib/nixfleet/trial" end || end "its trial could not be watched"
  [ "$NF_BY" = host ] || return 0
  systemd-run --quiet --unit=nixfleet-trial-check --service-type=exec --collect /bin/sh "$R/var/lib/nixfleet/trial" check
}

# check: the host confirms the system by itself as soon as it is healthy
check() {
  until healthy; do
    sleep 5
  done
  confirm
}

# confirm: the system has proven itself
confirm() {
  systemctl stop nixfleet-trial-end.timer
  make_default "$NF_WANTED" && rm -f "$R/var/lib/nixfleet/trial"
}

# end REASON: the next boot is into the previous system
end() {
  note "$1"
  sync
  systemctl reboot
}

main() {
  case ${1:-begin} in
    begin) begin ;;
    check) check ;;
    end) end "${2:-it was not confirmed in time}" ;;
  esac
}

main "$@" </dev/null
