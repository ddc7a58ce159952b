"""kubectl on a host: nodes with their passwords, and health. Other objects: resources.py; draining: drain.py."""

from __future__ import annotations

import json
from typing import Any

from sim.machines import jsonpath, nodes
from sim.machines.commands import drain, helm, resources, tokens
from sim.machines.commands.call import Call, Reply, not_simulated

REFUSED = "The connection to the server 127.0.0.1:6443 was refused - did you specify the right host or port?\n"
UNAVAILABLE = "Error from server (ServiceUnavailable): etcdserver: no leader\n"
PASSWORD = ".node-password.k3s"  # noqa: S105 - a name
"""How the secret's name ends that has the hash of a node's password."""

KUBELET = "/var/lib/rancher/k3s/agent/kubelet.kubeconfig"
READYZ = (
    "ping",
    "log",
    "etcd",
    "etcd-readiness",
    "informer-sync",
    "poststarthook/start-apiextensions-controllers",
    "shutdown",
)


async def run(call: Call, words: list[str]) -> Reply:
    """Run kubectl as the server's admin or, with its kubeconfig, as the node's kubelet."""
    words, options = _split(words)
    kube = call.host.site.kube
    kubelet = options.get("kubeconfig", "").endswith(KUBELET)
    cluster = kube.joined_by(call.host.id) if kubelet else kube.cluster_of(call.host.id)
    if cluster is None:
        return Reply(1, err=REFUSED)
    if kubelet and words[1:3] not in (
        ["node", call.host.current_system().host],
        ["nodes", call.host.current_system().host],
    ):
        return Reply(1, err=f'Error from server (Forbidden): User "system:node:{call.host.name}" cannot do that\n')
    if not call.root:
        return Reply(1, err='error: error loading config file "/etc/rancher/k3s/k3s.yaml": permission denied\n')
    if not kube.answering(cluster):
        return Reply(1, err=UNAVAILABLE)
    return await _obey(call, cluster, words, options)


async def _obey(call: Call, cluster: str, words: list[str], options: dict[str, str]) -> Reply:
    if words[:1] == ["get"]:
        return _get(call, cluster, words[1:], options)
    if words[:2] == ["create", "token"]:
        return tokens.create(call.host.site.world.read(cluster), words[2:], options)
    if words[:1] == ["drain"]:
        return await _drain(call, cluster, words[1:], options)
    reply = resources.change(call, cluster, words, options) or _change(call, cluster, words, options)
    call.host.site.kube.removed(cluster)
    call.host.site.kube.settle()
    return reply


def _split(words: list[str]) -> tuple[list[str], dict[str, str]]:
    """Words and options; an option that takes a value may be written either way."""
    plain: list[str] = []
    options: dict[str, str] = {}
    rest = iter(words)
    for word in rest:
        name, has_value, value = word.partition("=")
        if not word.startswith("-"):
            plain.append(word)
        elif name in (
            "-o",
            "--output",
            "--raw",
            "-n",
            "--namespace",
            "--timeout",
            "--request-timeout",
            "--grace-period",
            "--kubeconfig",
            "-l",
            "--selector",
            "--field-selector",
            "-p",
            "--patch",
            "--type",
            "--bound-object-kind",
            "--bound-object-name",
            "--duration",
        ):
            options[name.lstrip("-")[0] if name in ("--output", "--namespace") else name.lstrip("-")] = (
                value if has_value else next(rest, "")
            )
        elif word.startswith("-o"):
            options["o"] = word[2:]
        else:
            options[name.lstrip("-")] = value if has_value else "true"
    return plain, options


def _get(call: Call, cluster: str, words: list[str], options: dict[str, str]) -> Reply:
    if "raw" in options:
        return _raw(call, options["raw"])
    if words and resources.kind_of(words[0].split(",")[0]):
        # Controllers work all the time; here they do so before somebody looks.
        call.host.site.kube.settle()
        return resources.get(call, call.host.site.world.read(cluster), words, options)
    document = call.host.site.world.read(cluster)
    if words[:1] == ["secret"] and options.get("o") == "name":
        return helm.secrets(document, options.get("n", "default"), options.get("l", ""))
    kind, _, name = (words[0] if words else "").partition("/")
    name = name or (words[1] if len(words) > 1 else "")
    if kind not in ("node", "nodes", "no"):
        return not_simulated(call, f"get {kind}")
    found = document["nodes"]
    if name and name not in found:
        return _missing("nodes", name, options)
    selector = options.get("l", options.get("selector", ""))
    chosen = [found[name]] if name else [node for node in found.values() if _matches(node, selector)]
    answer = found[name] if name else {"apiVersion": "v1", "kind": "List", "items": chosen}
    return _show(call, answer, chosen, options.get("o", ""))


def _matches(node: dict[str, Any], selector: str) -> bool:
    pairs = (part.partition("=") for part in selector.split(",") if part)
    labels = node["metadata"]["labels"]
    return all(key in labels and (not equal or labels[key] == value.lstrip("=")) for key, equal, value in pairs)


def _raw(call: Call, path: str) -> Reply:
    if path.partition("?")[0] not in ("/readyz", "/livez", "/healthz", "/readyz/etcd"):
        return not_simulated(call, f"get --raw {path}")
    if "verbose" in path:
        return Reply(out="".join(f"[+]{check} ok\n" for check in READYZ) + "readyz check passed\n")
    return Reply(out="ok")


def _show(call: Call, answer: dict[str, Any], nodes: list[dict[str, Any]], form: str) -> Reply:
    if form == "json":
        return Reply(out=json.dumps(answer, indent=1) + "\n")
    if form == "name":
        return Reply(out="".join(f"node/{node['metadata']['name']}\n" for node in nodes))
    if form.startswith("jsonpath="):
        return Reply(out=jsonpath.render(form.removeprefix("jsonpath="), answer))
    if form in ("", "wide"):
        rows = (f"{n['metadata']['name']} {_ready(n)} {n['status']['nodeInfo']['kubeletVersion']}\n" for n in nodes)
        return Reply(out="".join(rows))
    return not_simulated(call, f"output {form}")


def _ready(node: dict[str, Any]) -> str:
    ready = "Ready" if node["status"]["conditions"][0]["status"] == "True" else "NotReady"
    return ready + (",SchedulingDisabled" if node["spec"].get("unschedulable") else "")


def _missing(kind: str, name: str, options: dict[str, str]) -> Reply:
    if options.get("ignore-not-found") == "true":
        return Reply()
    return Reply(1, err=f'Error from server (NotFound): {kind} "{name}" not found\n')


def _delete_secret(call: Call, cluster: str, words: list[str], options: dict[str, str]) -> Reply:
    name = words[2] if len(words) > 2 else ""  # noqa: PLR2004 - verb, kind, name
    namespace = options.get("n", "default")
    if name.startswith(helm.PREFIX):
        with call.host.site.world.edit(cluster) as document:
            gone = helm.forget(document, namespace, name)
        return Reply(out=f'secret "{name}" deleted\n') if gone else _missing("secrets", name, options)
    if not name.endswith(PASSWORD) or namespace != "kube-system":
        return not_simulated(call, f"delete secret {name} in namespace {namespace}")
    with call.host.site.world.edit(cluster) as document:
        if document["passwords"].pop(name.removesuffix(PASSWORD), None) is None:
            return _missing("secrets", name, options)
    return Reply(out=f'secret "{name}" deleted\n')


def _create_secret(call: Call, cluster: str, words: list[str], options: dict[str, str]) -> Reply:
    """A node's password that somebody wrote: k3s compares with it, and never makes it anew."""
    name = words[3] if len(words) > 3 else ""  # noqa: PLR2004 - verb, kind, type, name
    key, _, value = options.get("from-literal", "").partition("=")
    if not name.endswith(PASSWORD) or options.get("n") != "kube-system" or words[2] != "generic" or key != "hash":
        return not_simulated(call, " ".join(words))
    with call.host.site.world.edit(cluster) as document:
        if document["passwords"].setdefault(name.removesuffix(PASSWORD), value) != value:
            return Reply(1, err=f'error: failed to create secret secrets "{name}" already exists\n')
    return Reply(out=f"secret/{name} created\n")


def _change(call: Call, cluster: str, words: list[str], options: dict[str, str]) -> Reply:
    if words[:2] == ["delete", "secret"]:
        return _delete_secret(call, cluster, words, options)
    if words[:2] == ["create", "secret"]:
        return _create_secret(call, cluster, words, options)
    verb, name = words[0] if words else "", words[-1].removeprefix("node/") if words else ""
    if words[1:2] in (["node"], ["nodes"]):
        name = words[2] if len(words) > 2 else ""  # noqa: PLR2004 - verb, kind, name
    run = {
        "cordon": _cordon,
        "uncordon": _cordon,
        "patch": _patch,
        "delete": _delete,
        "annotate": _note,
        "label": _note,
        "taint": _taint,
    }.get(verb)
    named = verb not in ("delete", "annotate", "label", "patch", "taint") or words[1:2] in (["node"], ["nodes"])
    if run is None or not named:
        return not_simulated(call, " ".join(words))
    with call.host.site.world.edit(cluster) as document:
        if name not in document["nodes"]:
            return _missing("nodes", name, options if verb == "delete" else {})
        said = run(document, name, words)
        if verb == "patch":
            after = resources.patched(call, document["nodes"][name], options)
            if isinstance(after, Reply):
                return after
            document["nodes"][name] = after
    call.host.site.world.record(call.host.name, f"kubectl {verb}", name)
    return Reply(out=said)


async def _drain(call: Call, cluster: str, words: list[str], options: dict[str, str]) -> Reply:
    name = words[-1].removeprefix("node/") if words else ""
    if name not in call.host.site.world.read(cluster)["nodes"]:
        return _missing("nodes", name, {})
    return await drain.drain(call, cluster, name, options)


def _cordon(document: dict[str, Any], name: str, words: list[str]) -> str:
    return drain.cordon(document, name, words[0])


def _patch(_document: dict[str, Any], name: str, _words: list[str]) -> str:
    return f"node/{name} patched\n"


def _delete(document: dict[str, Any], name: str, _words: list[str]) -> str:
    """k3s forgets a deleted node's password and removes its member from etcd."""
    for part in ("nodes", "passwords", "members"):
        document[part].pop(name, None)
    return f'node "{name}" deleted\n'


def _taint(document: dict[str, Any], name: str, words: list[str]) -> str:
    """Change one taint of the list; key and effect tell them apart."""
    spec = document["nodes"][name]["spec"]
    for word in words[3:]:
        named, _, effect = word.removesuffix("-").rpartition(":")
        key, _, value = named.partition("=")
        kept = [one for one in spec.get("taints", []) if (one["key"], one["effect"]) != (key, effect)]
        new = {"key": key, **({"value": value} if value else {}), "effect": effect}
        spec["taints"] = kept if word.endswith("-") else [*kept, new]
    return f"node/{name} tainted\n"


def _note(document: dict[str, Any], name: str, words: list[str]) -> str:
    notes = document["nodes"][name]["metadata"]["annotations" if words[0] == "annotate" else "labels"]
    for word in words[3:]:
        key, has_value, value = word.partition("=")
        if has_value:
            notes[key] = value
        else:
            notes.pop(key.removesuffix("-"), None)
    if words[0] == "annotate" and notes.get(f"{nodes.ETCD}/remove") == "true" and name in document["members"]:
        document["members"].pop(name)
        nodes.note_removal(document["nodes"][name])
    return f"node/{name} {'annotated' if words[0] == 'annotate' else 'labeled'}\n"
