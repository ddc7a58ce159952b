"""Multus and whereabouts on k3s' paths, as the manifests' own facts have them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from fleet.addons import multus, storage_network

CRDS = json.loads((Path(__file__).parents[2] / "data/charts/crds.json").read_text())["crds"]
CONF = "/var/lib/rancher/k3s/agent/etc/cni/net.d"
BINARIES = "/var/lib/rancher/k3s/data/cni"
MANIFESTS = {"multus": multus.daemon_set("v4.3.0"), "whereabouts": storage_network.daemon_set()}


def pod(name: str) -> Any:
    return MANIFESTS[name]["spec"]["template"]["spec"]


def host_paths(name: str) -> dict[str, str]:
    return {volume["name"]: volume["hostPath"]["path"] for volume in pod(name)["volumes"] if "hostPath" in volume}


def mounts(name: str) -> dict[str, str]:
    return {mount["name"]: mount["mountPath"] for mount in pod(name)["containers"][0]["volumeMounts"]}


@pytest.mark.parametrize("definition", [multus.ATTACHMENTS, *storage_network.DEFINITIONS.values()], ids=str)
def test_definitions_are_those_of_the_pinned_release(definition: Any) -> None:
    fact, spec = CRDS[definition["metadata"]["name"]], definition["spec"]
    (version,) = spec["versions"]
    assert (spec["group"], spec["names"]["kind"], spec["names"]["plural"]) == (
        fact["group"],
        fact["kind"],
        fact["plural"],
    )
    assert [version["name"]] == [known["name"] for known in fact["versions"]]
    schema = version["schema"]["openAPIV3Schema"]["properties"]["spec"]
    assert set(schema["properties"]) == set(fact["spec"]["properties"])
    assert schema.get("required", []) == fact["spec"].get("required", [])


def test_multus_binaries_are_mounted_at_the_hosts_own_path() -> None:
    assert host_paths("multus")["cnibin"] == mounts("multus")["cnibin"] == multus.DAEMON_CONFIG["binDir"] == BINARIES


def test_multus_writes_its_configuration_where_k3s_looks() -> None:
    assert host_paths("multus")["cni"] == CONF
    assert mounts("multus")["cni"] == multus.DAEMON_CONFIG["cniConfigDir"] == "/host/etc/cni/net.d"


def test_no_pod_starts_after_a_boot_before_flannel_knows_the_nodes_subnet() -> None:
    assert multus.DAEMON_CONFIG["readinessindicatorfile"] == "/run/flannel/subnet.env"
    assert mounts("multus")["host-run-flannel"] == "/run/flannel"


def test_images_are_pinned() -> None:
    """By tag, and by content where the lock has it."""
    told = {one["image"].split("@")[0] for one in pod("multus")["containers"] + pod("multus")["initContainers"]}
    assert told == {"ghcr.io/k8snetworkplumbingwg/multus-cni:v4.3.0-thick"}
    (whereabouts,) = pod("whereabouts")["containers"]
    assert whereabouts["image"].split("@")[0] == "ghcr.io/k8snetworkplumbingwg/whereabouts:v0.9.4"


PROPAGATED = {"host-var-lib-kubelet", "host-run-netns", "hostroot"}
"""Mounts of upstream's thick daemon that see what the host mounts later (deployments/multus-daemonset-thick.yml)."""


def test_multus_may_on_a_host_what_upstreams_daemon_may_and_not_more() -> None:
    """Of v4.3.0: privileges, the host's namespaces, and how each folder is mounted; flannel's is ours, to be read."""
    (daemon,), (installer,) = pod("multus")["containers"], pod("multus")["initContainers"]
    assert [one["securityContext"] for one in (daemon, installer)] == [{"privileged": True}] * 2
    namespaces = {name: value for name, value in pod("multus").items() if name.startswith("host")}
    assert namespaces == {"hostNetwork": True, "hostPID": True}
    how = {
        mount["name"]: (mount.get("mountPropagation"), mount.get("readOnly", False)) for mount in daemon["volumeMounts"]
    }
    assert {name for name, (propagation, _) in how.items() if propagation == "HostToContainer"} == PROPAGATED
    assert {name for name, (propagation, _) in how.items() if propagation is None} == set(how) - PROPAGATED
    assert {name for name, (_, read_only) in how.items() if read_only} == {"multus-daemon-config", "host-run-flannel"}
    (target,) = installer["volumeMounts"]
    assert (target["name"], target["mountPropagation"], target.get("readOnly", False)) == (
        "cnibin",
        "Bidirectional",
        False,
    )


def test_whereabouts_repeats_the_hosts_paths_below_host() -> None:
    (container,) = pod("whereabouts")["containers"]
    environment = {item["name"]: item.get("value") for item in container["env"]}
    for variable, volume, path in (("CNI_CONF_DIR", "cni-net-dir", CONF), ("CNI_BIN_DIR", "cnibin", BINARIES)):
        assert host_paths("whereabouts")[volume] == path
        assert mounts("whereabouts")[volume] == environment[variable] == f"/host{path}"


@pytest.mark.parametrize("name", sorted(MANIFESTS))
def test_daemons_run_on_every_node_whatever_its_taints(name: str) -> None:
    assert {(item["operator"], item["effect"]) for item in pod(name)["tolerations"]} == {
        ("Exists", "NoSchedule"),
        ("Exists", "NoExecute"),
    }
