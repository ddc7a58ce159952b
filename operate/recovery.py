"""Snapshots of etcd, and bringing it back from one. What happens on the servers is hostops' snapshot and restore."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

from operate.hosts import hosts_of
from operate.messages import OperateError
from operate.report import table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from operate.engine import Place

BUCKET = "bucket"
SNAPSHOT_WORDS = {"LIST": "yes, only list them", "NAME": "how the new one's name begins"}
RESTORE_WORDS = {
    "SNAPSHOT": "its name, as make snapshot lists it; or latest",
    "FROM": "the server that has it on its disk, or bucket",
    "LOST": "servers that are gone for good, in quotes",
    "OVER": "yes, also over a cluster that works",
}


def snapshot(place: Place, words: Mapping[str, str]) -> int:
    """Save etcd now, unless only a list is wanted, and print all snapshots, the newest last."""
    name = "" if words.get("LIST") == "yes" else words.get("NAME", "manual")
    with hosts_of(place) as hosts:
        said = json.loads(hosts.call("snapshot", settings={"NIXFLEET_SNAPSHOT": name}))
    if not said["snapshots"]:
        print("No snapshots.")
        return 0
    print(table(("SNAPSHOT", "WHERE", "MADE", "MIB"), (_row(one) for one in said["snapshots"])))
    return 0


def _row(one: Mapping[str, int | str]) -> tuple[str, ...]:
    seconds, size = int(one["seconds"]), int(one["size"])
    made = time.strftime("%F %T UTC", time.gmtime(seconds)) if seconds else "-"
    return str(one["name"]), str(one["where"]), made, f"{size / 2**20:.1f}" if size else "-"


def restore(place: Place, words: Mapping[str, str]) -> int:
    """Bring every server's etcd back from a snapshot."""
    if not words.get("SNAPSHOT"):
        raise OperateError(f"no snapshot is named: make snapshot LIST=yes STACK={place.stack} lists them; SNAPSHOT=...")
    with hosts_of(place) as hosts:
        name, where = words["SNAPSHOT"], words.get("FROM", "")
        if name == "latest":
            name, where = _latest(json.loads(hosts.call("snapshot"))["snapshots"], where)
        settings = {
            "NIXFLEET_SNAPSHOT": name,
            "NIXFLEET_FROM": where,
            "NIXFLEET_LOST": words.get("LOST", ""),
            "NIXFLEET_OVER": words.get("OVER", ""),
        }
        secrets = hosts.bucket_secrets() if where == BUCKET else {}
        hosts.call("restore", settings=settings, secrets=secrets)
    suffix = "" if place.stack == "sim" else f" STACK={place.stack}"
    print(f"etcd is that of {name}\n\nNext:  make status{suffix}, then make up{suffix}")
    return 0


def _latest(found: list[dict[str, str]], where: str) -> tuple[str, str]:
    """The newest of a place, or of all; while no server runs, those in the bucket are not known."""
    of_place = [one for one in found if where in ("", one["where"])]
    if not of_place:
        raise OperateError(
            "no snapshot is known there: name it, as the bucket lists it (servers that do not run cannot say what is "
            "in the bucket): SNAPSHOT=... FROM=bucket"
        )
    return of_place[-1]["name"], of_place[-1]["where"]
