"""The cluster's own test as data: jobs that fail where storage, a second network, policies or names do not work.

Storage: what is written on one node is read on another one, past any page cache. A job whose part is switched off is
left out. Their results are the jobs' own: nothing is kept but the volume, which goes with its claim.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from fleet.addons.longhorn import DATA_LOCALITY, PROVISIONER, replicas
from fleet.addons.pinned import pinned

if TYPE_CHECKING:
    from fleet.addons.values import Values
    from fleet.settings import Fleet

NAMESPACE = "storage-smoke-test"
STORAGE_CLASS = "longhorn-smoke-test"
IMAGE = "docker.io/library/busybox:1.37.0"
"""For all architectures of the fleet."""

DEADLINE_SECONDS = 600
ACCOUNT = "policy"
ATTACHMENT = "smoke"
REPORTS = "wgpolicyk8s.io"
"""Group of the reports that Kyverno writes (its chart's `crds.groups.wgpolicyk8s`)."""

WRITE = """set -eu
dd if=/dev/urandom of=/data/probe bs=64k count=16 conv=fsync
sha256sum < /data/probe > /data/sum
sync
echo "written: 1 MiB on $NODE"
"""

READ = """set -eu
dd if=/data/probe of=/tmp/probe bs=64k iflag=direct
test "$(sha256sum < /tmp/probe)" = "$(cat /data/sum)"
rm /data/probe /data/sum
echo "read back: 1 MiB on $NODE"
"""
"""What comes back is compared by its sum, read from the disk itself; on another node no cache could have it anyway."""

NETWORK = """set -eu
ip -4 -o address show dev eth0 | grep inet
ip -4 -o address show dev net1 | grep inet
echo "two networks on $NODE"
"""

NAMES = """set -eu
nslookup -type=a kubernetes.default.svc.cluster.local
echo "names resolve on $NODE"
"""

POLICY = f"""set -eu
account=/var/run/secrets/kubernetes.io/serviceaccount
url=https://kubernetes.default.svc/apis/{REPORTS}/v1alpha2/namespaces/{NAMESPACE}/policyreports
until wget -q -O - --no-check-certificate --header "Authorization: Bearer $(cat $account/token)" "$url" |
  tr -d '[:space:]' | grep -q '"result":"fail"'; do
  sleep 5
done
echo "a violation was reported"
"""
"""Waits for the report on its own pod, which asks for more than the baseline allows; the job's deadline ends it."""


def storage_class(fleet: Fleet) -> Values:
    """A class like the default one, but one whose volumes go with their claims."""
    return {
        "metadata": {"name": STORAGE_CLASS},
        "provisioner": PROVISIONER,
        "reclaimPolicy": "Delete",
        "volumeBindingMode": "Immediate",
        "parameters": {
            "numberOfReplicas": str(replicas(fleet)),
            "dataLocality": DATA_LOCALITY,
            "staleReplicaTimeout": "30",
            "fsType": "ext4",
        },
    }


def claim() -> Values:
    """A claim on the class."""
    return {
        "metadata": {"name": "probe", "namespace": NAMESPACE},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "storageClassName": STORAGE_CLASS,
            "resources": {"requests": {"storage": "1Gi"}},
        },
    }


def places(fleet: Fleet) -> tuple[str | None, str | None]:
    """Where is written and where is read: two nodes that take every pod, or one, or wherever there is room.

    Servers come first, as they stay: an agent more or less is no reason to test anew.
    """
    repels = {"NoExecute", "NoSchedule"}
    others = sorted(set(fleet.hosts) - set(fleet.formation))
    free = [
        name
        for name in (*fleet.formation, *others)
        if not any(taint.effect in repels for taint in fleet.hosts[name].taints)
    ]
    return (free[0], free[:2][-1]) if free else (None, None)


def jobs(fleet: Fleet, *, storage_attachment: str | None) -> dict[str, Values]:
    """All jobs by name; `read` runs after `write`, the others when they may.

    Args:
        fleet: what is switched on.
        storage_attachment: `namespace/name` of the storage network's attachment; None: one of the test's own is used.
    """
    addons, (here, there) = fleet.addons, places(fleet)
    made = {
        "names": _job("names", NAMES, version=fleet.cluster.k3s_version),
        "read": _with_volume(_job("read", READ, version=addons.longhorn.version, node=there)),
        "write": _with_volume(_job("write", WRITE, version=addons.longhorn.version, node=here)),
    }
    if addons.multus.enabled:
        networks = {"k8s.v1.cni.cncf.io/networks": storage_attachment or f"{NAMESPACE}/{ATTACHMENT}"}
        made["network"] = _job("network", NETWORK, version=addons.multus.version, annotations=networks)
    if addons.kyverno.enabled:
        made["policy"] = _violating(_job("policy", POLICY, version=addons.kyverno.version))
    return dict(sorted(made.items()))


def attachment() -> Values:
    """A second network for a pod, of plugins that k3s brings; the bridge stays on the node where it was tried."""
    config = {
        "cniVersion": "0.3.1",
        "name": ATTACHMENT,
        "type": "bridge",
        "bridge": "nfsmoke0",
        # A range for documentation: nothing real is there.
        "ipam": {"type": "host-local", "ranges": [[{"subnet": "198.51.100.0/24"}]]},
    }
    return {
        "metadata": {"name": ATTACHMENT, "namespace": NAMESPACE},
        "spec": {"config": json.dumps(config, sort_keys=True)},
    }


RULES: list[Values] = [{"apiGroups": [REPORTS], "resources": ["policyreports"], "verbs": ["get", "list"]}]
"""What the policy job may do, in its own namespace."""


def _job(
    name: str, script: str, *, version: str, node: str | None = None, annotations: dict[str, str] | None = None
) -> Values:
    """A job; another version of what it tries makes it another job, which runs."""
    container = {
        "name": name,
        "image": pinned(IMAGE),
        "command": ["/bin/sh", "-c", script],
        "env": [{"name": "NODE", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}}],
        "resources": {"requests": {"cpu": "10m", "memory": "16Mi"}, "limits": {"memory": "64Mi"}},
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }
    spec = {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "containers": [container],
        **({"nodeSelector": {"kubernetes.io/hostname": node}} if node else {}),
    }
    metadata = {"annotations": {"tested-version": version, **(annotations or {})}}
    return {
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {
            "backoffLimit": 2,
            "activeDeadlineSeconds": DEADLINE_SECONDS,
            "template": {"metadata": metadata, "spec": spec},
        },
    }


def _with_volume(job: Values) -> Values:
    pod = job["spec"]["template"]["spec"]
    pod["containers"][0]["volumeMounts"] = [{"name": "data", "mountPath": "/data"}]
    pod["volumes"] = [{"name": "data", "persistentVolumeClaim": {"claimName": "probe"}}]
    return job


def _violating(job: Values) -> Values:
    """Let its pod ask for a capability that the baseline does not list, and read the reports about it."""
    pod = job["spec"]["template"]["spec"]
    pod["containers"][0]["securityContext"]["capabilities"] = {"drop": ["ALL"], "add": ["NET_RAW"]}
    pod |= {"automountServiceAccountToken": True, "serviceAccountName": ACCOUNT}
    return job
