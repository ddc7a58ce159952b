# shellcheck shell=sh
# shellcheck disable=SC2154 # build.sh writes `system`, `way`, `partitions`, `address` and `loader` before it
# Stands for k3s: a notify unit, and the answers of its API as far as hostops asks for them. Its state, which tests may
# change, lies in /var/lib/fleet: k3s-fault (fails, hangs), etcd (the answer of its health check), and nodes/NAME/ with a
# file for each fact of a node, which is what etcd has.
state=/var/lib/rancher/k3s
nodes=/var/lib/fleet/nodes
host=$(cat /etc/hostname)

# fact NODE NAME: a file of the node
fact() {
  cat "$nodes/$1/$2" 2>/dev/null
}

# note NODE NAME VALUE
note() {
  mkdir -p "$nodes/$1"
  printf '%s' "$3" >"$nodes/$1/$2"
}

serve() {
  case $(cat /var/lib/fleet/k3s-fault 2>/dev/null) in
    fails) exit 1 ;;
    hangs) exec sleep infinity ;;
  esac
  mkdir -p "$state/agent" /etc/rancher/k3s
  if [ "$1" = server ]; then
    mkdir -p "$state/server/db"
    cat >/etc/rancher/k3s/k3s.yaml <<'CONFIG'
apiVersion: v1
kind: Config
clusters:
- name: default
  cluster: {certificate-authority-data: QXV0aG9yaXR5, server: "https://127.0.0.1:6443"}
users:
- name: default
  user: {client-certificate-data: Q2VydGlmaWNhdGU=, client-key-data: S2V5}
CONFIG
    note "$host" etcd true
    note "$host" voter MemberNotLearner
    note "$host" member "$host"
  fi
  printf 'kubelet\n' >"$state/agent/kubelet.kubeconfig"
  printf 'authority\n' >"$state/agent/server-ca.crt"
  [ -n "$(fact "$host" uid)" ] || note "$host" uid "$(cat /proc/sys/kernel/random/uuid)"
  [ -n "$(fact "$host" ready)" ] || note "$host" ready True
  note "$host" version "$(cat "$system/k3s-version")"
  note "$host" boot "$(cat /proc/sys/kernel/random/boot_id)"
  note "$host" address "$address"
  systemd-notify --ready
  exec sleep infinity
}

# render NODE JSONPATH: the facts in the place of their paths
render() {
  text=$2
  for pair in \
    'name {.metadata.name}' \
    'uid {.metadata.uid}' \
    'ready {.status.conditions[?(@.type=="Ready")].status}' \
    'voter {.status.conditions[?(@.type=="EtcdIsVoter")].reason}' \
    'version {.status.nodeInfo.kubeletVersion}' \
    'boot {.status.nodeInfo.bootID}' \
    'address {.status.addresses[?(@.type=="InternalIP")].address}' \
    'etcd {.metadata.labels.node-role\.kubernetes\.io/etcd}' \
    'member {.metadata.annotations.etcd\.k3s\.cattle\.io/node-name}' \
    'removed {.metadata.annotations.etcd\.k3s\.cattle\.io/removed-node-name}' \
    'cordoned {.metadata.annotations.nixfleet/cordoned}' \
    'unschedulable {.spec.unschedulable}'; do
    name=${pair%% *}
    path=${pair#* }
    value=$(fact "$1" "$name")
    [ "$name" != name ] || value=$1
    while :; do
      case $text in
        *"$path"*) text=${text%%"$path"*}$value${text#*"$path"} ;;
        *) break ;;
      esac
    done
  done
  case $text in
    *'{.'*)
      echo "k3s: $text is not stood in for; add it to tests/machines/systems/parts/k3s.sh" >&2
      exit 2
      ;;
  esac
  printf '%s' "$text"
}

get_node() {
  node=$1 quiet='' path=''
  shift
  for word in "$@"; do
    case $word in
      --ignore-not-found) quiet=yes ;;
      jsonpath=*) path=${word#jsonpath=} ;;
    esac
  done
  if [ ! -e "$nodes/$node" ]; then
    [ -z "$quiet" ] || exit 0
    echo "Error from server (NotFound): nodes \"$node\" not found" >&2
    exit 1
  fi
  render "$node" "$path"
}

# get_nodes SELECTED JSONPATH: a line each
get_nodes() {
  line=${2#*'{range .items[*]}'}
  line=${line%'{"\n"}{end}'}
  for path in "$nodes"/*; do
    [ "$1" = all ] || [ "$(fact "${path##*/}" etcd)" = true ] || continue
    render "${path##*/}" "$line"
    printf '\n'
  done
}

kubectl() {
  while :; do
    case ${1-} in
      --request-timeout=* | --kubeconfig=*) shift ;;
      *) break ;;
    esac
  done
  [ "$(systemctl is-active k3s.service)" = active ] || {
    echo "The connection to the server 127.0.0.1:6443 was refused - did you specify the right host or port?" >&2
    exit 1
  }
  case "$*" in
    'get --raw /readyz/etcd') cat /var/lib/fleet/etcd 2>/dev/null || printf ok ;;
    'get nodes --selector=node-role.kubernetes.io/etcd=true -o jsonpath='*) get_nodes etcd "${5#jsonpath=}" ;;
    'get nodes -o jsonpath='*) get_nodes all "${4#jsonpath=}" ;;
    'get crd '*' --ignore-not-found -o name') ;;
    'get node '*)
      shift 2
      get_node "$@"
      ;;
    'annotate node '*' etcd.k3s.cattle.io/remove=true --overwrite')
      note "$3" removed "$(fact "$3" member)"
      note "$3" member ''
      echo "node/$3 annotated"
      ;;
    'patch node '*'"unschedulable":true'*)
      note "$3" cordoned yes
      note "$3" unschedulable true
      echo "node/$3 patched"
      ;;
    'patch node '*'"unschedulable":null'*)
      rm -f "$nodes/$3/cordoned" "$nodes/$3/unschedulable"
      echo "node/$3 patched"
      ;;
    'drain '*) echo "node/$2 drained" ;;
    'delete node '*)
      [ ! -e "$nodes/$3" ] || echo "node \"$3\" deleted"
      rm -rf "${nodes:?}/$3"
      ;;
    '-n kube-system delete secret '*) ;;
    *)
      echo "k3s: kubectl $* is not stood in for; add it to tests/machines/systems/parts/k3s.sh" >&2
      exit 2
      ;;
  esac
}

# fatal TEXT
fatal() {
  printf 'level=fatal msg="%s"\n' "$1" >&2
  exit 1
}

# reset CONFIG SNAPSHOT: etcd as the snapshot has it, with this server as its only member
reset() {
  [ "$(systemctl is-active k3s.service)" != active ] || fatal 'listen tcp 127.0.0.1:2380: bind: address already in use'
  ! grep -q '^server:' "$1" || fatal 'cannot perform cluster-reset while server URL is set'
  [ ! -e "$state/server/db/reset-flag" ] || fatal "cluster-reset was successfully performed, delete $state/server/db/reset-flag to do it again"
  [ -f "$2" ] || fatal "etcd: snapshot restore path does not exist: $2"
  rm -rf "$nodes" && mkdir -p "$nodes" && tar -C "$nodes" -xf "$2" || exit
  : >"$state/server/db/reset-flag"
  echo 'level=info msg="Managed etcd cluster membership has been reset, restart without --cluster-reset flag now."' >&2
}

snapshot() {
  folder=$state/server/db/snapshots
  [ "$(systemctl is-active k3s.service)" = active ] || fatal 'see server log for details: server is not ready'
  case $1 in
    save)
      name=$3-$host-$(date +%s)
      mkdir -p "$folder" && tar -C "$nodes" -cf "$folder/$name" . && echo "Snapshot $name saved."
      ;;
    list)
      echo 'Name Location Size Created'
      for path in "$folder"/*; do
        [ ! -f "$path" ] || echo "${path##*/} file://$path $(stat -c %s "$path") 2026-01-01T00:00:00Z"
      done
      ;;
    delete)
      shift
      for name in "$@"; do rm -f "$folder/$name"; done
      ;;
  esac
}

verb=${1-}
[ $# -eq 0 ] || shift
case "$verb $*" in
  'server --config '*' --cluster-reset --cluster-reset-restore-path='*) reset "$2" "${4#*=}" ;;
  'server ' | 'agent ') serve "$verb" ;;
  'kubectl '*) kubectl "$@" ;;
  'etcd-snapshot '*) snapshot "$@" ;;
  'certificate rotate') mkdir -p "$state/server/tls" && date +%s%N >"$state/server/tls/made" ;;
  *)
    echo "k3s: $verb $* is not stood in for" >&2
    exit 2
    ;;
esac
