"""What the cluster's own test tries: written here and read there, two networks, a violation, a name."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from fleet.addons import smoke_test
from tests.components.stacks import inputs_of

if TYPE_CHECKING:
    from pathlib import Path


def jobs(stack: str = "sim", edit: Any = None, attachment: str | None = None) -> dict[str, Any]:
    return smoke_test.jobs(inputs_of(stack, edit).fleet, storage_attachment=attachment)


def pod(job: dict[str, Any]) -> dict[str, Any]:
    return dict(job["spec"]["template"]["spec"])


def node(job: dict[str, Any]) -> str:
    return str(pod(job)["nodeSelector"]["kubernetes.io/hostname"])


def test_what_is_written_on_one_node_is_read_on_another_one() -> None:
    made = jobs()
    assert node(made["write"]) != node(made["read"])
    assert {pod(made[name])["volumes"][0]["persistentVolumeClaim"]["claimName"] for name in ("write", "read")} == {
        "probe"
    }


def test_a_node_that_repels_pods_is_not_chosen() -> None:
    def tainted(fleet: dict[str, Any]) -> None:
        fleet["hosts"]["ovh-1"]["taints"] = [{"key": "gpu", "effect": "NoSchedule"}]
        fleet["hosts"]["hcloud-1"]["taints"] = [{"key": "gpu", "effect": "NoExecute"}]

    made = jobs(edit=tainted)
    assert (node(made["write"]), node(made["read"])) == ("hcloud-2", "hcloud-3")


def test_another_agent_is_no_reason_to_test_again() -> None:
    def grown(fleet: dict[str, Any]) -> None:
        fleet["hosts"]["a-worker"] = {
            **fleet["hosts"]["n100-1"],
            "address": "10.90.0.99",
            "sshAddress": "192.168.50.99",
            "disk": {**fleet["hosts"]["n100-1"]["disk"], "device": "/dev/disk/by-id/nvme-ANOTHER", "serial": "ANOTHER"},
        }

    assert jobs(edit=grown) == jobs()


def test_a_pod_has_the_storage_network_or_one_of_the_tests_own() -> None:
    def networks(job: dict[str, Any]) -> str:
        return str(job["spec"]["template"]["metadata"]["annotations"]["k8s.v1.cni.cncf.io/networks"])

    assert networks(jobs("lab", attachment="kube-system/storage")["network"]) == "kube-system/storage"
    assert networks(jobs()["network"]) == "storage-smoke-test/smoke"
    config = json.loads(smoke_test.attachment()["spec"]["config"])
    # Both are among what k3s brings.
    assert (config["type"], config["ipam"]["type"]) == ("bridge", "host-local")


def test_only_the_pod_that_is_to_be_reported_asks_for_more_than_the_baseline() -> None:
    asked = {name: pod(job)["containers"][0]["securityContext"]["capabilities"] for name, job in jobs().items()}
    assert {name: what.get("add") for name, what in asked.items() if "add" in what} == {"policy": ["NET_RAW"]}
    assert {tuple(what["drop"]) for what in asked.values()} == {("ALL",)}
    tokens = {name for name, job in jobs().items() if pod(job)["automountServiceAccountToken"]}
    assert tokens == {"policy"}


@pytest.mark.parametrize(("addon", "job"), [("multus", "network"), ("kyverno", "policy")])
def test_what_is_switched_off_is_not_tried(addon: str, job: str) -> None:
    def off(fleet: dict[str, Any]) -> None:
        fleet.setdefault("addons", {}).setdefault(addon, {})["enabled"] = False

    assert set(jobs()) - set(jobs(edit=off)) == {job}


class Shell:
    """A shell in which /data and the cluster are folders and fakes."""

    def __init__(self, base: Path) -> None:
        self.data, self.bin = base / "data", base / "bin"
        for folder in (self.data, self.bin):
            folder.mkdir()
        # A folder in memory takes no direct reads.
        words = 'for word; do [ "$word" = iflag=direct ] || set -- "$@" "$word"; shift; done'
        self.fake("dd", f'{words}\nexec /bin/dd "$@"')

    def fake(self, name: str, text: str) -> None:
        path = self.bin / name
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)

    def run(self, script: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["sh", "-c", script.replace("/tmp", str(self.bin)).replace("/data", str(self.data))],  # noqa: S108 - the pod's
            env={**os.environ, "PATH": f"{self.bin}:{os.environ['PATH']}", "NODE": "n"},
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path)


def test_what_was_written_is_read_and_goes(shell: Shell) -> None:
    written = shell.run(smoke_test.WRITE)
    assert written.returncode == 0, written.stderr
    assert (shell.data / "probe").stat().st_size == 1 << 20
    assert (shell.data / "sum").read_text().split()[0] == hashlib.sha256(
        (shell.data / "probe").read_bytes()
    ).hexdigest()
    read = shell.run(smoke_test.READ)
    assert read.returncode == 0, read.stderr
    assert list(shell.data.iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"other" * 1000])
def test_what_comes_back_differently_fails(shell: Shell, content: bytes) -> None:
    assert shell.run(smoke_test.WRITE).returncode == 0
    (shell.data / "probe").write_bytes(content)
    assert shell.run(smoke_test.READ).returncode != 0


def test_a_pod_with_one_network_fails(shell: Shell) -> None:
    shell.fake("ip", '[ "$6" = net1 ] || echo "2: eth0 inet 10.42.0.9/24"')
    assert shell.run(smoke_test.NETWORK).returncode != 0
    shell.fake("ip", 'echo "2: $6 inet 10.42.0.9/24"')
    assert shell.run(smoke_test.NETWORK).returncode == 0


def test_a_violation_is_waited_for(shell: Shell) -> None:
    shell.fake("cat", "echo token")
    shell.fake("sleep", f'echo \'{{"results": [{{"result": "fail"}}]}}\' > {shell.data}/report')
    shell.fake("wget", f"/bin/cat {shell.data}/report")
    (shell.data / "report").write_text('{"results": [{"result": "pass"}]}')
    done = shell.run(smoke_test.POLICY)
    assert (done.returncode, done.stdout) == (0, "a violation was reported\n")
