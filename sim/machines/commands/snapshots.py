"""k3s' snapshots of etcd: saving and listing them, a reset of the cluster from one, and the bucket that they go to."""

from __future__ import annotations

import json
import secrets
import shutil
import time
from typing import TYPE_CHECKING, Any

import yaml

from sim.machines import certificates
from sim.machines.commands.call import Call, Reply, not_simulated
from sim.machines.service import DATA, FLAG, STATE
from sim.machines.systems import write

if TYPE_CHECKING:
    from pathlib import Path

FOLDER = f"{STATE}/server/db/snapshots"
NOT_READY = "FATA[0000] see server log for details: server is not ready\n"
FULL = "no space left on device"
RESET = "--cluster-reset-restore-path"
DONE = "Managed etcd cluster membership has been reset, restart without --cluster-reset flag now."


def snapshots(call: Call) -> Reply:
    """`k3s etcd-snapshot save --name NAME` `k3s etcd-snapshot list` and `delete NAME...`."""
    cluster = call.host.site.kube.cluster_of(call.host.id)
    if cluster is None or not call.host.site.kube.answering(cluster):
        return Reply(1, err=NOT_READY)
    match call.argv[1:]:
        case ("save", "--name", name):
            return _save(call, cluster, name)
        case ("save",):
            return _save(call, cluster, "on-demand")
        case ("list" | "ls",):
            return _list(call, cluster)
        case ("delete", *names):
            return _delete(call, cluster, names)
    return not_simulated(call, " ".join(call.argv))


def _save(call: Call, cluster: str, begin: str) -> Reply:
    if call.host.full:
        return Reply(1, err=f"FATA[0000] Error: write /{FOLDER}: {FULL}\n")
    name = f"{begin}-{call.host.name}-{int(time.time())}.zip"
    text = json.dumps(call.host.site.world.read(cluster))
    write(call.host.root / FOLDER / name, text, 0o600)
    call.host.site.world.record(call.host.name, "etcd snapshot", begin)
    settings = _of_secret(call, cluster)
    if settings:
        with call.host.site.world.edit(_bucket(settings)) as bucket:
            bucket.setdefault("keys", _keys(settings))
            if bucket["keys"] != _keys(settings):
                return Reply(1, err="FATA[0000] Error uploading: The Access Key Id you provided does not exist\n")
            bucket.setdefault("files", {})[f"{settings['etcd-s3-folder']}/{name}"] = text
    return Reply(out=f"Snapshot {name} saved.\n")


def _delete(call: Call, cluster: str, names: list[str]) -> Reply:
    settings = _of_secret(call, cluster)
    for name in names:
        (call.host.root / FOLDER / name).unlink(missing_ok=True)
        if settings:
            with call.host.site.world.edit(_bucket(settings)) as bucket:
                bucket.get("files", {}).pop(f"{settings['etcd-s3-folder']}/{name}", None)
    return Reply()


def _list(call: Call, cluster: str) -> Reply:
    rows = [
        (path.name, f"file:///{path.relative_to(call.host.root)}", path.stat().st_size)
        for path in sorted((call.host.root / FOLDER).glob("*"))
    ]
    settings = _of_secret(call, cluster)
    if settings:
        place = f"s3://{settings['etcd-s3-bucket']}"
        files = call.host.site.world.read(_bucket(settings)).get("files", {})
        rows += [
            (path.rpartition("/")[2], f"{place}/{path}", len(text))
            for path, text in sorted(files.items())
            if path.rpartition("/")[0] == settings["etcd-s3-folder"]
        ]
    lines = "".join(f"{name} {location} {size} 2026-01-01T00:00:00Z\n" for name, location, size in rows)
    return Reply(out=f"Name Location Size Created\n{lines}")


def _of_secret(call: Call, cluster: str) -> dict[str, str]:
    """What the secret says that the server's configuration names; empty without one, as k3s then warns only."""
    named = _configured(call, "/etc/rancher/k3s/config.yaml").get("etcd-s3-config-secret")
    found = call.host.site.world.read(cluster)["objects"].get(f"/Secret/kube-system/{named}", {})
    known: dict[str, str] = found.get("stringData", {})
    return known


def _bucket(settings: dict[str, Any]) -> str:
    return f"buckets/{settings['etcd-s3-endpoint']}/{settings['etcd-s3-bucket']}"


def _keys(settings: dict[str, Any]) -> list[str]:
    return [settings["etcd-s3-access-key"], settings["etcd-s3-secret-key"]]


def _configured(call: Call, path: str) -> dict[str, Any]:
    file = call.host.root / path.lstrip("/")
    return yaml.safe_load(file.read_text()) or {} if file.exists() else {}


def reset(call: Call) -> Reply:
    """`k3s server --config FILE --cluster-reset --cluster-reset-restore-path=SNAPSHOT`."""
    options = dict(word.split("=", 1) for word in call.argv if "=" in word)
    words = list(call.argv)
    config = words[words.index("--config") + 1] if "--config" in words else "/etc/rancher/k3s/config.yaml"
    if "--cluster-reset" not in words or RESET not in options:
        return not_simulated(call, "server without a reset from a snapshot")
    settings = _configured(call, config)
    problem = _refused(call, settings)
    text = "" if problem else _snapshot(call, settings, options[RESET])
    if text is None:
        problem = f"etcd: snapshot restore path does not exist: {options[RESET]}"
    problem = problem or _of_other_token(call, text or "")
    if problem:
        return Reply(1, err=f'level=fatal msg="starting kubernetes: {problem}"\n')
    _bring_back(call, json.loads(text or ""))
    return Reply(err=f'level=info msg="{DONE}"\n')


def _refused(call: Call, settings: dict[str, Any]) -> str:
    if call.host.site.kube.services.get(call.host.id):
        return "listen tcp 127.0.0.1:2380: bind: address already in use"
    if "server" in settings:
        return "cannot perform cluster-reset while server URL is set"
    if call.host.full:
        return f"write /{DATA}/member/snap/db: {FULL}"
    if (call.host.root / FLAG).exists():
        return f"cluster-reset was successfully performed, delete /{FLAG} to do it again"
    return ""


def _snapshot(call: Call, settings: dict[str, Any], name: str) -> str | None:
    if not settings.get("etcd-s3"):
        file: Path = call.host.root / name.lstrip("/")
        return file.read_text() if file.is_file() else None
    if "etcd-s3-config-secret" in settings:
        # There is no API to ask.
        return None
    bucket = call.host.site.world.read(_bucket(settings))
    if bucket.get("keys") != _keys(settings):
        return None
    found: str | None = bucket["files"].get(f"{settings['etcd-s3-folder']}/{name}")
    return found


def _of_other_token(call: Call, text: str) -> str:
    own = (call.host.root / "etc/nixfleet/secrets/server-token").read_text().strip()
    token = certificates.password(own, "server")
    same = json.loads(text)["tokens"]["server"] == token
    return "" if same else "bootstrap data already found and encrypted with different token"


def _bring_back(call: Call, document: dict[str, Any]) -> None:
    """The cluster as the snapshot knows it, with this server as its only member."""
    host, root, name = call.host, call.host.root, f"clusters/{document['name']}"
    member = {
        "id": secrets.token_hex(8),
        "machine": host.id,
        "address": host.current_system().entry["address"],
        "learner": False,
    }
    host.site.world.write(name, document | {"members": {host.name: member}, "available": False})
    if (root / DATA).exists():
        shutil.move(root / DATA, root / f"{DATA}-old-{int(time.time())}")
    write(root / DATA / "member.json", json.dumps({"cluster": name, "id": member["id"]}))
    write(root / FLAG, "")
    host.site.world.record(host.name, "etcd restored", name)
