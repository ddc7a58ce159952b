"""`kubectl cordon`, `uncordon` and `drain`, in kubectl's words (kubectl/pkg/drain, 1.35)."""

from __future__ import annotations

import asyncio
import re
import time
from typing import TYPE_CHECKING, TypeAlias

from sim.machines import workloads
from sim.machines.commands.call import Call, Reply
from sim.machines.objects import POD

if TYPE_CHECKING:
    from sim.machines.objects import Object

RETRY_SECONDS = 5.0
"""kubectl's pause after a refused eviction."""

DURATION = re.compile(r"(\d+)(s|m|h)")
UNITS = {"s": 1, "m": 60, "h": 3600}
Pod: TypeAlias = tuple[str, str, str]
"""Namespace, name and uid: a pod that came back under its name is another one."""

FINISHED = ("Succeeded", "Failed")


def cordon(document: Object, name: str, verb: str) -> str:
    """Mark a node, or take the mark off; kubectl's line."""
    spec = document["nodes"][name]["spec"]
    wanted = verb != "uncordon"
    already = "already " if bool(spec.get("unschedulable")) is wanted else ""
    if wanted:
        spec["unschedulable"] = True
    else:
        spec.pop("unschedulable", None)
    return f"node/{name} {already}{'cordoned' if wanted else 'uncordoned'}\n"


async def drain(call: Call, cluster: str, name: str, options: dict[str, str]) -> Reply:
    """Cordon a node and evict its pods, again and again until the limit."""
    world, kube = call.host.site.world, call.host.site.kube
    with world.edit(cluster) as document:
        out = cordon(document, name, "cordon")
        pods, refused, warning = _sort(document, name, options)
    world.record(call.host.name, "kubectl drain", name)
    kube.settle()
    if refused:
        return Reply(1, out=out, err=_unable(name, refused))
    err = f"Warning: {warning}\n" if warning else ""
    limit = _seconds(options.get("timeout", "0s"))
    end = time.monotonic() + limit if limit else None
    while pods:
        out += "".join(f"evicting pod {namespace}/{pod}\n" for namespace, pod, _ in pods)
        gone, blocked = _evict(call, cluster, pods)
        out += "".join(f"pod/{pod} evicted\n" for _, pod, _ in gone)
        kube.settle()
        pods = [pod for pod in pods if pod not in gone]
        # What was evicted may run again elsewhere by now, and the budget have room.
        if gone or not pods:
            continue
        left = end - time.monotonic() if end else RETRY_SECONDS
        if left <= 0:
            return Reply(1, out=out, err=err + _given_up(name, pods, options["timeout"]))
        err += "".join(f"error when evicting {_of(pod)} (will retry after 5s): {blocked[pod]}\n" for pod in pods)
        await asyncio.sleep(min(RETRY_SECONDS, left))
        kube.settle()
    return Reply(out=out + f"node/{name} drained\n", err=err)


def _seconds(text: str) -> int:
    parts = DURATION.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise ValueError(f'invalid argument "{text}" for "--timeout" flag: time: invalid duration "{text}"')
    return sum(int(number) * UNITS[unit] for number, unit in parts)


def _of(pod: Pod) -> str:
    return f'pods/"{pod[1]}" -n "{pod[0]}"'


def _sort(document: Object, node: str, options: dict[str, str]) -> tuple[list[Pod], str, str]:
    """Pods to evict (namespace, name, uid), why none is touched, and the warning about those that stay."""
    ignored: list[str] = []
    refused: dict[str, list[str]] = {}
    chosen = []
    for pod in POD.all(document):
        metadata, controller = pod["metadata"], next(iter(pod["metadata"].get("ownerReferences", [])), None)
        if pod["spec"].get("nodeName") != node or workloads.MIRROR in metadata["annotations"]:
            continue
        shown, reason = f"{metadata['namespace']}/{metadata['name']}", ""
        if pod["status"].get("phase") not in FINISHED:
            local = any("emptyDir" in volume for volume in pod["spec"].get("volumes", []))
            if controller and controller["kind"] == "DaemonSet":
                if options.get("ignore-daemonsets") == "true":
                    ignored.append(shown)
                    continue
                reason = "cannot delete DaemonSet-managed Pods (use --ignore-daemonsets to ignore)"
            elif local and options.get("delete-emptydir-data") != "true":
                reason = "cannot delete Pods with local storage (use --delete-emptydir-data to override)"
            elif controller is None and options.get("force") != "true":
                reason = "cannot delete Pods that declare no controller (use --force to override)"
        if reason:
            refused.setdefault(reason, []).append(shown)
        chosen.append((metadata["namespace"], metadata["name"], metadata["uid"]))
    warning = f"ignoring DaemonSet-managed Pods: {', '.join(sorted(ignored))}" if ignored else ""
    return chosen, ", ".join(f"{why}: {', '.join(sorted(names))}" for why, names in refused.items()), warning


def _evict(call: Call, cluster: str, pods: list[Pod]) -> tuple[list[Pod], dict[Pod, str]]:
    """Ask for every pod once: those that are gone, and why the others are not."""
    gone, blocked = [], {}
    with call.host.site.world.edit(cluster) as document:
        for namespace, name, uid in pods:
            found = POD.get(document, namespace, name)
            there = found is not None and found["metadata"]["uid"] == uid
            reason = workloads.evict(document, found) if there and found else ""
            if reason:
                blocked[namespace, name, uid] = reason
            else:
                gone.append((namespace, name, uid))
    return gone, blocked


def _unable(node: str, reason: str) -> str:
    pending = f"There are pending nodes to be drained:\n {node}\n"
    return f'error: unable to drain node "{node}" due to error: {reason}, continuing command...\n{pending}{reason}\n'


def _given_up(node: str, pods: list[Pod], limit: str) -> str:
    reason = ", ".join(f"error when evicting {_of(pod)}: global timeout reached: {limit}" for pod in pods)
    reason = f"[{reason}]" if len(pods) > 1 else reason
    pending = "".join(f"pod/{pod}\n" for _, pod, _ in pods)
    return f'There are pending pods in node "{node}" when an error occurred: {reason}\n{pending}{_unable(node, reason)}'
