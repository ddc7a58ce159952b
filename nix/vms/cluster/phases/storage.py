# Storage in a cluster test: what Longhorn needs of a host, and a claim over it.
TARGET = "iqn.2026-01.test.nixfleet:proof"


def storage_host():
    """What Longhorn's containers look for on a host is there."""
    for name in HOSTS:
        machine = node(name)
        machine.succeed("systemctl start iscsid.service")
        machine.wait_for_unit("iscsid.service", timeout=60)
        machine.succeed("/usr/bin/mount --version", "/usr/bin/fstrim --version", "/usr/local/bin/iscsiadm --version")
        found = read(machine, "findmnt --json --target /var/lib/longhorn")["filesystems"][0]
        assert found["fstype"] in ("ext4", "xfs"), found


def claim_objects(image):
    """A volume that a server offers by iSCSI, a claim on it, and a pod that writes and one that reads elsewhere."""

    def pod(name, host, command):
        mount = {"name": "data", "mountPath": "/data"}
        container = {"name": "main", "image": image, "command": ["sh", "-c", command], "volumeMounts": [mount]}
        volume = {"name": "data", "persistentVolumeClaim": {"claimName": "proof"}}
        spec = {"nodeName": host, "restartPolicy": "Never", "containers": [container], "volumes": [volume]}
        return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "default"}, "spec": spec}

    portal = f"{FACTS['hosts'][FACTS['servers'][0]]['address']}:3260"
    room, modes = {"storage": "128Mi"}, ["ReadWriteOnce"]
    source = {"targetPortal": portal, "iqn": TARGET, "lun": 1, "fsType": "ext4"}
    volume = {"capacity": room, "accessModes": modes, "storageClassName": "", "iscsi": source}
    wish = {"accessModes": modes, "storageClassName": "", "volumeName": "proof", "resources": {"requests": room}}
    writer, reader = FACTS["agents"][0], FACTS["servers"][-1]
    return {
        "volume": {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": "proof"}, "spec": volume},
        "claim": {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "metadata": {"name": "proof", "namespace": "default"},
            "spec": wish,
        },
        "writer": pod("writer", writer, "echo kept >/data/proof && sync"),
        "reader": pod("reader", reader, "cat /data/proof"),
    }


def storage_claim():
    """What a pod writes to a claim on one host, a pod on another reads: by the same iSCSI that Longhorn's volumes come by."""
    seed().succeed("truncate -s 256M /var/lib/longhorn/proof.img", "systemctl start nixfleet-target.service")
    # It is started when its process is there, and answers a little later.
    seed().wait_until_succeeds("tgtadm --lld iscsi --mode system --op show", timeout=30)
    seed().succeed(
        f"tgtadm --lld iscsi --mode target --op new --tid 1 --targetname {TARGET}",
        "tgtadm --lld iscsi --mode logicalunit --op new --tid 1 --lun 1 --backing-store /var/lib/longhorn/proof.img",
        "tgtadm --lld iscsi --mode target --op bind --tid 1 --initiator-address ALL",
    )
    images = [tag for image in read(seed(), "k3s crictl images --output=json")["images"] for tag in image["repoTags"]]
    objects = claim_objects(next(tag for tag in images if "busybox" in tag))

    def apply(name):
        seed().succeed(f"k3s kubectl apply -f - <<'EOF'\n{json.dumps(objects[name])}\nEOF")

    def ended(name):
        phase = read(seed(), f"k3s kubectl -n default get pod {name} --output=json")["status"]["phase"]
        assert phase != "Failed", f"{name} failed"
        return True if phase == "Succeeded" else phase

    for name in ("volume", "claim", "writer"):
        apply(name)
    eventually(180, "the writer ended", lambda: ended("writer"))
    claim = read(seed(), "k3s kubectl -n default get pvc proof --output=json")
    assert (claim["status"]["phase"], claim["spec"]["volumeName"]) == ("Bound", "proof"), claim
    # One host at a time has the volume.
    seed().succeed("k3s kubectl -n default delete pod writer --wait --timeout=120s")
    apply("reader")
    eventually(180, "the reader ended", lambda: ended("reader"))
    said = seed().succeed("k3s kubectl -n default logs reader").strip()
    assert said == "kept", said
