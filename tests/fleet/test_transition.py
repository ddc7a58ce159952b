"""Laws of a step: what may change from one run to the next, and what is refused in which words."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from fleet.document import read_fleet
from fleet.stackfile import ROOT
from fleet.transition import Installed, Precedent, Step, broken_laws, precedent
from fleet.transition.law import laws
from tests.fleet.documents import PROFILES, base, table

if TYPE_CHECKING:
    from collections.abc import Callable

    Edit = Callable[[dict[str, Any]], object]


def remembered(edit: Edit | None = None, **told: Any) -> Precedent:
    """The base `mesh`, unprotected, as it is remembered; changed in its document or only in what is remembered."""
    document = base("mesh") | {"protection": False}
    document["cluster"]["allowEvenServers"] = True
    if edit:
        edit(document)
    return precedent(read_fleet(document, "the test", PROFILES)).model_copy(update=told)


def without(*names: str) -> Edit:
    """Hosts that leave the file."""

    def edit(document: dict[str, Any]) -> None:
        for name in names:
            del document["hosts"][name]
        document["addons"]["longhorn"] = {"replicas": 1}

    return edit


def an_agent(document: dict[str, Any]) -> None:
    document["hosts"]["h3"]["role"] = "agent"


def an_agent_and_another_place(document: dict[str, Any]) -> None:
    an_agent(document)
    document["hosts"]["h2"]["location"] = "nbg1"


def another_pair(document: dict[str, Any]) -> None:
    document["hosts"]["h4"] = {**document["hosts"]["h1"], "address": "10.90.0.14", "privateAddress": "10.20.0.14"}
    without("h1", "h2", "h3")(document)
    document["cluster"]["seed"] = "h4"


def no_longhorn(document: dict[str, Any]) -> None:
    document["addons"] |= {"longhorn": {"enabled": False}, "smokeTest": {"enabled": False}}


def no_storage(document: dict[str, Any]) -> None:
    for name in ("h1", "h2", "h3"):
        for word in ("storage", "volume"):
            document["hosts"][name].pop(word)


def no_longhorn_and_no_storage(document: dict[str, Any]) -> None:
    no_longhorn(document)
    no_storage(document)


def one_less_storage(document: dict[str, Any]) -> None:
    document["hosts"]["h3"].pop("volume")
    document["hosts"]["h3"].pop("storage")
    document["addons"]["longhorn"] = {"replicas": 2}


def k3s(version: str) -> Precedent:
    return remembered(k3s_version=version)


def half_way(**versions: str) -> Precedent:
    """A fleet whose last run wanted v1.35 and failed: what the hosts run, as the state knows it."""
    wanted = k3s("v1.35.6+k3s1")
    hosts = {
        name: host.model_copy(update={"k3s_version": versions.get(name, "")}) for name, host in wanted.hosts.items()
    }
    return wanted.model_copy(update={"hosts": hosts})


def longhorn(version: str | None) -> Precedent:
    return remembered(longhorn_version=version)


def protected(edit: Edit | None = None, **told: Any) -> Precedent:
    """The same, protected."""
    return remembered(edit, **told).model_copy(update={"protection": True})


def elsewhere(document: dict[str, Any]) -> None:
    document["hosts"]["h2"]["location"] = "nbg1"
    document["hosts"]["o1"]["flavorId"] = "00000000-0340-4856-95b5-4ea2d26fe377"


def another_disk(document: dict[str, Any]) -> None:
    document["hosts"]["b1"]["disk"]["serial"] = "B9"


def another_cluster(document: dict[str, Any]) -> None:
    document["cluster"]["name"] = "other"
    document["endpoint"]["location"] = "nbg1"


def tokens(*names: str, value: str = "1") -> Edit:
    """New tokens of hosts."""

    def edit(document: dict[str, Any]) -> None:
        for name in names:
            document["hosts"][name]["reinstall"] = f"{name}@{value}"

    return edit


def larger(kept: int, *, grow: bool = False, name: str = "h1", kind: str = "cx43") -> Edit:
    """A server of a larger type, with a disk of this size."""

    def edit(document: dict[str, Any]) -> None:
        host = document["hosts"][name]
        host |= {"serverType": kind, "growDisk": grow, "disk": {**host["disk"], "sizeGib": kept}}

    return edit


def made_larger(document: dict[str, Any]) -> None:
    """A new server with the disk that another one has kept."""
    document["hosts"]["h4"] = {**document["hosts"]["h1"], "address": "10.90.0.14", "privateAddress": "10.20.0.14"}
    document["hosts"]["h4"] |= {"role": "agent", "serverType": "cx43"}


def otherwise(document: dict[str, Any]) -> None:
    document["hosts"]["b1"]["disk"]["layout"] = "zfs-server"
    document["hosts"]["o1"]["address"] = "10.90.0.199"


def otherwise_by_tokens(document: dict[str, Any]) -> None:
    otherwise(document)
    tokens("b1", "o1")(document)


def installed(edit: Edit | None = None, **used: str) -> Precedent:
    """A fleet as the state knows it, installed as the base says whatever was wanted last; tokens that were used."""
    wanted, plain = remembered(edit), remembered()
    facts = {
        name: Installed(address=str(host.address), layout=host.layout, reinstall=used.get(name, ""))
        for name, host in plain.hosts.items()
    }
    hosts = {name: host.model_copy(update={"installed": facts.get(name)}) for name, host in wanted.hosts.items()}
    return wanted.model_copy(update={"hosts": hosts})


FAULTS: dict[str, list[str]] = table("refused_steps.yaml")

REFUSED: dict[str, tuple[Precedent, Precedent]] = {
    "two servers leave": (remembered(), remembered(without("h2", "h3"))),
    "one becomes an agent and one moves": (remembered(), remembered(an_agent_and_another_place)),
    "the only server becomes another one": (remembered(without("h2", "h3")), remembered(another_pair)),
    "a minor of k3s is skipped": (k3s("v1.33.6+k3s1"), k3s("v1.35.6+k3s1")),
    "k3s goes back": (k3s("v1.35.6+k3s2"), k3s("v1.35.6+k3s1")),
    "a minor is skipped on hosts that a failed run left behind": (
        half_way(h1="v1.35.6+k3s1", b1="v1.34.2+k3s1"),
        k3s("v1.36.1+k3s1"),
    ),
    "k3s goes back where a failed run had got to": (
        half_way(h1="v1.35.6+k3s1", b1="v1.34.2+k3s1"),
        k3s("v1.34.2+k3s1"),
    ),
    "a minor of Longhorn is skipped": (longhorn("1.10.2"), longhorn("1.12.1")),
    "Longhorn goes back": (longhorn("1.12.1"), longhorn("1.11.3")),
    "Longhorn goes with its hosts' storage": (remembered(), remembered(no_longhorn_and_no_storage)),
    "a host loses its storage": (remembered(), remembered(one_less_storage)),
    "a protected host leaves": (protected(), protected(without("b1"))),
    "a host leaves as its protection comes": (remembered(), protected(without("b1"))),
    "a host leaves as its protection goes": (protected(), remembered(without("b1"))),
    "protected machines are others": (protected(), protected(elsewhere)),
    "a protected volume goes": (protected(), protected(one_less_storage)),
    "a protected cluster is another one": (protected(), protected(another_cluster)),
    "protected Longhorn goes": (protected(), protected(no_longhorn)),
    "two hosts with replicas have new tokens": (remembered(), remembered(tokens("h1", "h3", "o1"))),
    "a token that did not come to act beside a new one": (installed(tokens("h1")), remembered(tokens("h1", "h2"))),
    "a disk and an address are others": (installed(), remembered(otherwise)),
    "a new server has less than its type's disk": (remembered(), remembered(made_larger)),
    "a disk is written larger as the type grows": (remembered(), remembered(larger(160))),
    "a disk is written larger without a larger type": (remembered(larger(80)), remembered(larger(160, grow=True))),
    "a used token changes no disk": (installed(b1="b1@1", o1="o1@1"), remembered(otherwise_by_tokens)),
}

ALLOWED: dict[str, tuple[Precedent, Precedent]] = {
    "nothing": (remembered(), remembered()),
    "one server leaves": (remembered(), remembered(without("h3"))),
    "one of two servers leaves": (remembered(without("h3")), remembered(without("h2", "h3"))),
    "agents leave": (remembered(), remembered(without("b1", "b2", "o1"))),
    "a server becomes an agent": (remembered(), remembered(an_agent)),
    "an agent becomes a server": (remembered(an_agent), remembered()),
    "one minor of k3s": (k3s("v1.34.2+k3s1"), k3s("v1.35.6+k3s1")),
    "a patch of k3s": (k3s("v1.35.6+k3s1"), k3s("v1.35.6+k3s2")),
    "a minor that no host has reached is taken back": (
        half_way(h1="v1.34.2+k3s1", b1="v1.34.2+k3s1"),
        k3s("v1.34.3+k3s1"),
    ),
    "a failed minor is tried again": (half_way(h1="v1.35.6+k3s1", b1="v1.34.2+k3s1"), k3s("v1.35.6+k3s1")),
    "one minor of Longhorn": (longhorn("1.11.3"), longhorn("1.12.1")),
    "Longhorn comes": (longhorn(None), longhorn("1.12.1")),
    "Longhorn goes and its hosts keep their storage": (remembered(), remembered(no_longhorn)),
    "storage goes after Longhorn": (remembered(no_longhorn), remembered(no_longhorn_and_no_storage)),
    "protection goes": (protected(), remembered()),
    "a protected host takes another role": (protected(), protected(an_agent)),
    "a protected board has another disk": (protected(), protected(another_disk)),
    "a host with storage leaves": (remembered(), remembered(without("h3"))),
    "one host with replicas has a new token": (remembered(tokens("h1")), remembered(tokens("h1", "h2"))),
    "hosts without replicas have new tokens": (remembered(), remembered(tokens("b1", "b2", "o1"))),
    "tokens are taken out": (remembered(tokens("h1", "h2")), remembered()),
    "one token was used and one is new": (installed(h1="h1@1"), remembered(tokens("h1", "h2"))),
    "a disk and an address are others, by tokens": (installed(), remembered(otherwise_by_tokens)),
    "a change that came to nothing is taken back": (installed(otherwise_by_tokens), remembered()),
    "a larger type keeps the disk": (remembered(), remembered(larger(80))),
    "a disk grows with its type": (remembered(), remembered(larger(160, grow=True))),
    "a type goes back beside a kept disk": (remembered(larger(80)), remembered()),
    "only the file is known": (remembered(), remembered(otherwise)),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_refused_step_is_told_all_its_faults(case: str) -> None:
    before, after = REFUSED[case]
    assert [str(fault) for fault in broken_laws(before, after)] == FAULTS[case]


@pytest.mark.parametrize("case", ALLOWED)
def test_a_lawful_step_is_taken(case: str) -> None:
    before, after = ALLOWED[case]
    assert broken_laws(before, after) == ()


def test_every_law_is_broken_by_some_step() -> None:
    steps = [Step(before=before, after=after) for before, after in REFUSED.values()]
    assert [find.__name__ for find in laws() if not any(list(find(step)) for step in steps)] == []


def judge(after: Precedent, printed: str) -> subprocess.CompletedProcess[str]:
    """Run what the first resource of a stack runs."""
    return subprocess.run(
        [sys.executable, "-m", "fleet.transition"],
        env={**os.environ, "NIXFLEET_PRECEDENT": after.model_dump_json(), "PULUMI_COMMAND_STDOUT": printed},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("printed", ["", "what an older program printed", remembered().model_dump_json()])
def test_the_command_remembers_a_lawful_fleet(printed: str) -> None:
    done = judge(remembered(), printed)
    assert (done.returncode, done.stderr) == (0, "")
    assert Precedent.model_validate_json(done.stdout) == remembered()


def test_the_command_refuses_and_says_why() -> None:
    before, after = REFUSED["a minor of k3s is skipped"]
    done = judge(after, before.model_dump_json())
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"the change has 1 fault:\n  {FAULTS['a minor of k3s is skipped'][0]}\n"


def test_what_an_older_program_remembered_can_be_read() -> None:
    assert Precedent.model_validate_json(json.dumps({"hosts": {"h1": {"role": "server"}}})).hosts["h1"].storage is False
