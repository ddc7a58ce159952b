#!/bin/sh
# On a server whose member of etcd is to be removed while it lives: k3s must not be started again by systemd then, as it
# would take its data away and join anew. A drop-in of this boot, so that a reboot undoes it. NF_HOLD: yes, or no to undo.

main() {
  dropin=/run/systemd/system/k3s.service.d/90-nixfleet-leaving.conf
  if [ "$NF_HOLD" = yes ]; then
    printf '[Service]\nRestart=no\n' | put "$dropin" 0644 || exit
  else
    rm -f "$R$dropin"
  fi
  systemctl daemon-reload && say hold "$NF_HOLD"
}

main
