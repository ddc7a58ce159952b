"""`make status` as a table, as JSON, as a page, or again and again. Asking the hosts is status.py's."""

from __future__ import annotations

import json
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fleet.files import write_whole
from fleet.plan.markup import element, page, several
from fleet.plan.style import STYLE
from operate.messages import OperateError
from operate.report import table
from operate.status import HEAD, looked, rows, whole

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from operate.engine import Place

    Hosts = Mapping[str, dict[str, Any]]

STATUS_WORDS = {
    "HTML": "a file: write one self-contained page",
    "JSON": "a file: write all that the hosts say as JSON, `-` for standard output",
    "WATCH": "seconds: ask again that long after each answer, until it is interrupted",
}

CLEAR = "\x1b[2J\x1b[H"
"""Empties a terminal."""

AS_PLANNED = {True: "yes", False: "no"}


def render_status(stack: str, hosts: Hosts) -> str:
    """The page: the table, and whether each host runs what its contract means where Nix could say so."""
    head = (*HEAD[:-1], "AS PLANNED", HEAD[-1])
    lines = []
    for cells in rows(hosts):
        host = hosts[cells[0]]
        tone = "new" if host["healthy"] else "grave"
        state = element("td", element("span", cells[-1], class_=f"sign {tone}"))
        planned = AS_PLANNED.get(host.get("upToDate"), "unknown")  # type: ignore[arg-type]  # None is not in it
        plain = several("td", (*cells[1:-1], planned))
        lines.append(element("tr", element("th", cells[0], scope="row"), *plain, state))
    sick = sum(not host["healthy"] for host in hosts.values())
    verdict = f"{sick} of {len(hosts)} hosts need attention" if sick else "all hosts are healthy"
    grid = element(
        "table",
        element("caption", "What each host said", id="hosts-caption"),
        element("thead", element("tr", *(element("th", word.capitalize(), scope="col") for word in head))),
        element("tbody", *lines),
    )
    region = element("div", grid, class_="scroll", tabindex="0", role="region", aria_labelledby="hosts-caption")
    return page(f"Status of {stack}", STYLE, (element("p", verdict, class_="verdict"),), region)


def shown(stack: str, hosts: Hosts, words: Mapping[str, str]) -> str:
    """What is printed of one answer; files that are asked for are written."""
    text = json.dumps({"stack": stack, "hosts": hosts}, indent=2, sort_keys=True)
    if "HTML" in words:
        write_whole(Path(words["HTML"]), render_status(stack, hosts))
    if words.get("JSON") == "-":
        return text
    if "JSON" in words:
        write_whole(Path(words["JSON"]), text + "\n")
    return table(HEAD, rows(hosts))


def status(place: Place, words: Mapping[str, str], wait: Callable[[float], object] | None = None) -> int:
    """Say how every host is; 1 when one does not answer or is not healthy. `wait` may end a watch by an error."""
    if "WATCH" not in words:
        hosts = looked(place)
        print(shown(place.stack, hosts, words))
        return 0 if whole(hosts) else 1
    seconds = words["WATCH"]
    if not seconds.isdigit() or not int(seconds):
        raise OperateError(f"WATCH={seconds} is no number of seconds: write for example WATCH=10")
    wait = wait or threading.Event().wait
    while True:
        text = shown(place.stack, looked(place), words)
        print(f"{CLEAR if sys.stdout.isatty() else ''}{text}", flush=True)
        wait(float(seconds))
