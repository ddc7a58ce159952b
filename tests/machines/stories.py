"""The table of conformance: what is asked of a host, step by step, on a simulated machine and on a real one."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal

from hostops.ssh import script

RUN = "systemd-run --quiet --unit=work"
SHOW = "systemctl show work.service --property=ActiveState --property=Result --property=ExecMainStatus"


@dataclass(frozen=True, kw_only=True)
class Step:
    """One script, and what is not compared of its answer."""

    text: str
    aside: tuple[str, ...] = ()
    """Names whose values are aside: sizes and ids that two machines do not share."""

    without: tuple[str, ...] = ()
    """Names of lines that only one of the two has: what a machine under QEMU is made of."""

    script: str = ""
    """The script of hostops, if it is one."""


@dataclass(frozen=True, kw_only=True)
class Story:
    """Steps that come one after the other on one machine."""

    name: str
    point: Literal["installed", "installer"] = "installed"
    steps: tuple[Step, ...] = field(default=())


def sh(*lines: str) -> Step:
    """A step of shell commands; each says how it ended."""
    return Step(text="".join(f"{{ {line}; }} 2>&1; echo status=$?\n" for line in lines))


def of(name: str, *aside: str, without: tuple[str, ...] = (), **values: str) -> Step:
    """A step that is one of hostops' own scripts."""
    return Step(text=script(name, **values), aside=aside, without=without, script=name)


def _await(state: str, unit: str = "work.service") -> str:
    """Until a unit is in a state, as there is no command that waits for it."""
    return f'until [ "$(systemctl is-active {unit})" = {state} ]; do sleep 0.2; done'


MEDIUM = ("other_vda",)
"""The disk that these machines start from."""

STORIES: tuple[Story, ...] = (
    Story(
        name="a transient service that succeeds stays until it is stopped",
        steps=(
            sh(f"{RUN} --service-type=oneshot --remain-after-exit true", SHOW, "systemctl is-active work.service"),
            sh(f"{RUN} --service-type=oneshot --remain-after-exit true"),
            sh("systemctl stop work.service", SHOW, "systemctl is-active work.service"),
            sh(f"{RUN} --service-type=oneshot true", SHOW),
        ),
    ),
    Story(
        name="a transient service that fails stays until it is reset",
        steps=(
            sh(f"{RUN} --service-type=oneshot sh -c 'exit 7'"),
            sh(SHOW, "systemctl is-active work.service", "systemctl is-failed work.service"),
            sh("systemctl list-units --failed --no-legend --plain | while read -r unit _; do echo $unit; done"),
            sh("systemctl stop work.service", SHOW),
            sh("systemctl reset-failed work.service", SHOW, "systemctl reset-failed work.service"),
            sh(f"{RUN} --collect --service-type=oneshot sh -c 'exit 7'", SHOW),
        ),
    ),
    Story(
        name="a transient service that runs is stopped by a signal",
        steps=(
            sh(f"{RUN} --no-block --service-type=oneshot sleep 1000", SHOW, "systemctl is-active work.service"),
            sh("systemctl stop work.service", SHOW),
            sh("systemctl reset-failed work.service", f"{RUN} sleep 1000", SHOW, "systemctl stop work.service", SHOW),
            # systemd reads two dollars as one.
            sh(f"{RUN} sh -c 'kill -9 $$'", _await("failed"), SHOW, "systemctl reset-failed work.service"),
            sh(f"{RUN} sh -c 'kill -9 $$$$'", _await("failed"), SHOW),
        ),
    ),
    Story(
        name="a transient timer is there until it has fired or is stopped",
        steps=(
            sh(f"{RUN} --on-active=1h true", "systemctl is-active work.timer work.service", SHOW),
            sh(f"{RUN} --on-active=1h true", "systemctl stop work.timer"),
            sh("systemctl is-active work.timer", "systemctl stop work.timer"),
            sh(f"{RUN} --on-active=1s --timer-property=AccuracySec=100ms touch /run/fired"),
            sh(_await("inactive", "work.timer"), "systemctl is-active work.timer work.service", "rm /run/fired"),
        ),
    ),
    Story(
        name="units that are not there",
        steps=(
            sh("systemctl is-active nowhere.service", "systemctl is-active nowhere.service sshd.service"),
            sh(
                "systemctl stop nowhere.service", "systemctl start nowhere.service", "systemctl restart nowhere.service"
            ),
            sh("systemctl reset-failed nowhere.service", "systemctl show --property=LoadState --value nowhere.service"),
            sh("systemctl show --property=LoadState --value sshd.service"),
        ),
    ),
    Story(
        name="an installed host is looked at",
        steps=(
            of("look", host="hcloud-1", role="server", address="10.90.0.11", devices="/dev/sda"),
            of("progress", seconds="0"),
            of("members", role="server"),
            of("probe", command="echo one; exit 3", seconds="5"),
            of("probe", command="sleep 9", seconds="1"),
            of("acknowledge"),
            of("run", command="echo one; exit 3"),
        ),
    ),
    Story(
        name="nothing is under way, so there is nothing to end",
        steps=(
            of("undo"),
            of("untry", host="hcloud-1", reason="none"),
            of("weigh", wanted="/run/current-system"),
            of("commit", host="hcloud-1", wanted="/nix/store/none", default="yes"),
            of("confirm", host="hcloud-1", wanted="/nix/store/none"),
            of("drain", host="hcloud-1", role="server", seconds="who"),
            of("drain", host="hcloud-1", role="server", seconds="5"),
            of("drain", host="hcloud-1", role="server", seconds=""),
            of("volumes", role="server"),
        ),
    ),
    Story(
        name="nodes of the cluster are told, and one that runs is not forgotten",
        steps=(
            of("node", host="hcloud-1", role="server"),
            of("node", host="nobody", role="server"),
            of("forget", host="nobody", boot="", role="server", quiet="1", removal="1"),
            of("forget", host="hcloud-1", boot="another", role="server", quiet="1", removal="1"),
            of("hold", hold="yes"),
            of("hold", hold="no"),
            of("admit", start="no", form="no"),
            of("admit", start="yes", form="no"),
            of("tokens", act="take", files=""),
            sh("until [ $(systemctl is-active k3s.service) = active ]; do sleep 0.2; done"),
            sh("systemctl stop k3s.service", "systemctl is-active k3s.service"),
            of("look", host="hcloud-1", role="server", address="10.90.0.11", devices="/dev/sda"),
            of("members", role="server"),
            of("node", host="hcloud-1", role="server"),
            sh("systemctl start k3s.service", "systemctl is-active k3s.service"),
        ),
    ),
    Story(
        name="a cluster has no storage, and a host no peers",
        steps=(
            of("volumes", role="server"),
            of("evict", host="hcloud-1", role="server", seconds="1"),
            of("evict", host="hcloud-1", role="server", seconds=""),
            of("forget-storage", host="nobody", role="server", formatted="", seconds="1"),
            of("peers"),
            of("mesh", peers='{"peers": {}, "self": "hcloud-1"}'),
            of("mesh", peers='{"peers": {}, "self": "hcloud-1"}'),
            of("peers"),
        ),
    ),
    Story(
        name="secrets are delivered",
        steps=(
            of("deliver", files="agent-token other-token", agent_token="one\n", other_token="two 'and' \"three\"\n"),  # noqa: S106 - words of a test
            sh(
                'cat "$NIXFLEET_ROOT"/etc/nixfleet/secrets/other-token',
                'stat -c %a "$NIXFLEET_ROOT"/etc/nixfleet/secrets/other-token',
            ),
        ),
    ),
    Story(
        name="a lease is taken, refused and given back",
        steps=tuple(
            of(
                "lease",
                "age",
                "heard",
                "left",
                act=act,
                holder=holder,
                place="here",
                alone="no",
                seconds="100",
                who=holder,
            )
            for act, holder in (
                ("take", "a"),
                ("take", "b"),
                ("take", "a"),
                ("drop", "b"),
                ("drop", "a"),
                ("take", "b"),
            )
        ),
    ),
    Story(
        name="a blank disk, and one that is not there",
        point="installer",
        steps=(
            of("look", host="hcloud-1", role="server", address="10.90.0.11", devices="/dev/sda"),
            of("disk", "serial_0", "disks", without=MEDIUM, devices="/dev/sda"),
            of("disk", "disks", without=MEDIUM, devices="/dev/sdz"),
            of("room", "available_kib"),
            of("claim", claim="hcloud-1@1", disks="/dev/sda=X", installs="one two"),
            of("look", host="hcloud-1", role="server", address="10.90.0.11", devices="/dev/sda"),
            of("seal", installs="one two"),
        ),
    ),
)

_PATTERNS = (
    (re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"), "<id>"),
    (re.compile(r"\b[0-9a-f]{64}\b"), "<sum>"),
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"), "<time>"),
)
_STORE = re.compile(r"/nix/store/[0-9a-z]{32}-[^/\s\"']+")


def masked(text: str) -> str:
    """A text without ids, sums, times and hashes; equal store paths stay equal."""
    for pattern, word in _PATTERNS:
        text = pattern.sub(word, text)
    paths: dict[str, str] = {}
    return _STORE.sub(lambda match: paths.setdefault(match[0], f"<store path {len(paths) + 1}>"), text)


def comparable(step: Step, status: int, output: str, root: str) -> list[str]:
    """The lines of an answer without what two machines cannot share. Names of store paths count, hashes do not."""
    lines = []
    for line in masked(output.replace(root, "") if root else output).splitlines():
        name, sign, _ = line.partition("=")
        if sign and name in step.without:
            continue
        lines.append(f"{name}=<aside>" if sign and name in step.aside else line.rstrip())
    return [*lines, f"exit {status}"]
