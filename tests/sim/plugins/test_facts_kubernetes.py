"""kubernetes holds what the real plugin did: configuration, differences, checks, clusters that do not answer."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest

from sim.plugins.kind import Resource
from sim.plugins.kubernetes import Kubernetes
from sim.plugins.server import EngineLog, Refused
from sim.plugins.values import UNKNOWN, Properties, Secret
from sim.world import World
from tests.sim.plugins.facts import changed, check, diff, facts, foretold, kind_of, seen_kind, spelled, urn

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from pathlib import Path

FACTS = facts("kubernetes")
NAMESPACE, RELEASE = "kubernetes:core/v1:Namespace", "kubernetes:helm.sh/v3:Release"
BASE = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "a", "labels": {"x": "1"}}}
REPOSITORY = {"repo": "https://charts.example.org"}
CHART = {
    "name": "r",
    "namespace": "ns",
    "chart": "longhorn",
    "version": "1.12.1",
    "repositoryOpts": REPOSITORY,
    "values": {"greeting": "hi"},
}


@pytest.fixture
def double(tmp_path: Path) -> Kubernetes:
    return Kubernetes(World(tmp_path), EngineLog("unused"))


def kubeconfig(server: str = "https://192.0.2.1:6443", user: str = "t", context: str = "c", cluster: str = "k") -> str:
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": cluster, "cluster": {"server": server}}],
            "contexts": [{"name": context, "context": {"cluster": cluster, "user": "u"}}],
            "current-context": context,
            "users": [{"name": "u", "user": {"token": user}}],
        }
    )


CONFIGS: dict[str, Properties] = {
    "{}": {},
    "kubeconfig ok": {"kubeconfig": kubeconfig()},
    "kubeconfig unknown": {"kubeconfig": UNKNOWN},
    "kubeconfig garbage": {"kubeconfig": "{"},
    "kubeconfig path that does not exist": {"kubeconfig": "/nope"},
    "unknown key": {"foo": "x"},
    "strictMode 'true' alone": {"strictMode": "true"},
    "strictMode 'true' with kubeconfig+context": {"strictMode": "true", "kubeconfig": "k", "context": "c"},
    "kubeconfig+renderYamlToDirectory": {"kubeconfig": "k", "renderYamlToDirectory": "d"},
    "alwaysRender alone": {"alwaysRender": "true"},
}


@pytest.mark.parametrize(("name", "failures"), FACTS["CheckConfig"].items())
def test_provider_inputs_are_checked(double: Kubernetes, name: str, failures: list[str]) -> None:
    assert [f"{key}: {reason}" for key, reason in double.check_settings(CONFIGS[name])] == failures


CHANGES: dict[str, Properties] = {
    "nothing": {},
    "kubeconfig known->unknown": {"kubeconfig": UNKNOWN},
    "server changed": {"kubeconfig": kubeconfig(server="https://192.0.2.2:6443")},
    "token changed": {"kubeconfig": kubeconfig(user="u")},
    "context renamed": {"kubeconfig": kubeconfig(context="d")},
    "cluster renamed": {"kubeconfig": kubeconfig(cluster="l")},
    "namespace": {"namespace": "n"},
    "renderYamlToDirectory": {"renderYamlToDirectory": "d"},
    "enableServerSideApply": {"enableServerSideApply": "false"},
    "kubeconfig removed": {"kubeconfig": None},
}
IDENTIFIERS: dict[str, tuple[Properties, Properties]] = {
    "clusterIdentifier changed": ({"clusterIdentifier": "a"}, {"clusterIdentifier": "b"}),
    "clusterIdentifier added, kubeconfig same": ({}, {"clusterIdentifier": "a"}),
    "clusterIdentifier added, kubeconfig unknown": ({}, {"clusterIdentifier": "a", "kubeconfig": UNKNOWN}),
    "clusterIdentifier added, server changed": ({}, {"clusterIdentifier": "a"} | CHANGES["server changed"]),
    "clusterIdentifier removed, kubeconfig same": ({"clusterIdentifier": "a"}, {}),
    "clusterIdentifier becomes unknown": ({"clusterIdentifier": "a"}, {"clusterIdentifier": UNKNOWN}),
}
WITHOUT, WITH = "without clusterIdentifier", "same clusterIdentifier on both sides"
PROVIDER_ROWS = [
    *((name, {}, CHANGES[name], seen) for name, seen in FACTS["DiffConfig"][WITHOUT].items()),
    *((name, {"clusterIdentifier": "a"}, CHANGES[name], seen) for name, seen in FACTS["DiffConfig"][WITH].items()),
    *((name, *IDENTIFIERS[name], seen) for name, seen in FACTS["DiffConfig"].items() if isinstance(seen, str)),
]


@pytest.mark.parametrize(("name", "both", "change", "seen"), PROVIDER_ROWS)
def test_another_provider_is_told_from_a_changed_one(
    double: Kubernetes, name: str, both: Properties, change: Properties, seen: str
) -> None:
    old = {"kubeconfig": kubeconfig()} | both
    new = changed({"kubeconfig": kubeconfig()} if "removed," in name else old, change)
    assert kind_of(double.diff_settings(old, new).answer()) == seen


NAMESPACE_CHANGES: dict[str, Properties] = {
    "unchanged": {},
    "metadata: change": {"metadata": {"name": "b", "labels": {"x": "1"}}},
    'metadata: change {"name": "a", "labels": {"x": "1"}, "annotations": {"k": "v"': {
        "metadata": {"name": "a", "labels": {"x": "1"}, "annotations": {"k": "v"}}
    },
    'metadata: change {"name": "04da6b54-80e4-46f7-96ec-b56ff0331ba9", "labels": {': {
        "metadata": {"name": UNKNOWN, "labels": {"x": "1"}}
    },
    'metadata: change {"name": "a", "labels": "04da6b54-80e4-46f7-96ec-b56ff0331ba': {
        "metadata": {"name": "a", "labels": UNKNOWN}
    },
    "spec: add": {"spec": {"finalizers": ["kubernetes"]}},
}


@pytest.mark.parametrize(("action", "seen"), FACTS["resources"][NAMESPACE]["diff"]["base"].items())
def test_an_object_changes_as_with_the_real_plugin(double: Kubernetes, action: str, seen: Any) -> None:
    text = action.partition(": change ")[2]
    change = NAMESPACE_CHANGES[action] if action in NAMESPACE_CHANGES else {"metadata": json.loads(text)}
    after = check(double, NAMESPACE, BASE | change, BASE)
    assert kind_of(diff(double, NAMESPACE, BASE | {"__inputs": BASE}, after.inputs)) == seen_kind(seen)


NAMESPACE_INPUTS: dict[str, Properties] = {
    "no metadata": {},
    "metadata without name": {"metadata": {}},
    "generateName": {"metadata": {"generateName": "a-"}},
    "unknown name": {"metadata": {"name": UNKNOWN}},
    "wrong kind": {"kind": "Pod", "metadata": {"name": "a"}},
    "bad field": {"metadata": {"name": "a"}},
    "invalid name": {"metadata": {"name": "Bad_Name"}},
}


@pytest.mark.parametrize("row", FACTS["resources"][NAMESPACE]["check"], ids=lambda row: str(row["in"]))
def test_an_object_is_checked_as_by_the_real_plugin(double: Kubernetes, row: dict[str, Any]) -> None:
    answer = check(double, NAMESPACE, {"apiVersion": "v1", "kind": "Namespace"} | NAMESPACE_INPUTS[row["in"]])
    assert answer.failures == row["failures"]
    if row["out"] is not None:
        assert answer.inputs == spelled(row["out"])


RELEASE_OTHERS: dict[str, Any] = {
    "name": "other",
    "namespace": "other",
    "chart": "kyverno",
    "values": {"greeting": "ho"},
    "timeout": 600,
    "description": "d",
    "keyring": "k",
    "postrender": "p",
    "maxHistory": 5,
}
RELEASE_NOT_HELD = {
    'chart: change "labchart-0.1.0.tgz"': "charts come from repositories here, never from files",
    'version: add "0.9.9"': "a version of a local chart is ignored; of a chart in a repository it is not",
    'version: add ">=0.1.0"': "same",
    "version: add": "same",
    "valueYamlFiles: add": "files of values are not simulated",
    "verify: add": "signatures are not simulated",
    "manifest: add": "the plugin's own output, which no program sets",
}
RELEASE_ROWS = [
    (action, seen)
    for action, seen in FACTS["resources"][RELEASE]["diff"]["base"].items()
    if action not in RELEASE_NOT_HELD
]


@pytest.mark.parametrize(("action", "seen"), RELEASE_ROWS)
def test_a_release_changes_as_with_the_real_plugin(double: Kubernetes, action: str, seen: Any) -> None:
    name, _, verb = action.partition(": ")
    value = RELEASE_OTHERS.get(name, True)
    if verb.startswith("change {"):
        value = json.loads(verb.removeprefix("change "))
    change: Properties = {} if action == "unchanged" else {name: None if verb == "remove" else value}
    if name == "chart":
        change["version"] = "3.9.0"
    if name == "repositoryOpts":
        change[name] = {"repo": "http://127.0.0.1:9"}
    before = check(double, RELEASE, CHART)
    after = check(double, RELEASE, changed(CHART, change), before.inputs)
    if isinstance(seen, dict) and "check" in seen:
        assert [
            failure.removeprefix("chart: ")[: len(text)] for failure in after.failures for text in seen["check"]
        ] == seen["check"]
        return
    state = foretold(double, RELEASE, before.inputs, {})
    assert kind_of(diff(double, RELEASE, state, after.inputs)) == seen_kind(seen)


def release(**inputs: Any) -> Properties:
    return {"name": "r", "chart": "longhorn", "version": "1.12.1", "repositoryOpts": REPOSITORY} | inputs


RELEASE_INPUTS: dict[str, Properties] = {
    "empty": {},
    "no name": changed(release(), {"name": None}),
    "no namespace": release(),
    "chart missing dir": {"name": "r", "chart": "/nope"},
    "chart by name, no repo": {"name": "r", "chart": "nginx"},
    "dead repo": {"name": "r", "chart": "nginx", "repositoryOpts": {"repo": "http://127.0.0.1:9"}},
    "unknown key": release(foo=1),
    "values unknown": release(values=UNKNOWN),
    "a nested unknown value": release(values={"a": {"b": UNKNOWN}}),
    "timeout string": release(timeout="5m"),
    "invalid release name": release(name="Bad_Name"),
    "values secret": release(values={"a": Secret("b")}),
}
RELEASE_CHECKS_NOT_HELD = {
    "dead oci": "no chart of the program comes from an OCI registry",
    "wrong version of a local chart": "charts come from repositories here, never from files",
}


@pytest.mark.parametrize(
    "row",
    [row for row in FACTS["resources"][RELEASE]["check"] if row["in"] not in RELEASE_CHECKS_NOT_HELD],
    ids=lambda row: str(row["in"]),
)
def test_a_release_is_checked_as_by_the_real_plugin(double: Kubernetes, row: dict[str, Any]) -> None:
    answer = check(double, RELEASE, RELEASE_INPUTS[row["in"]])
    assert answer.failures == row["failures"]
    if row["name"] is not None:
        assert answer.inputs["namespace"] == row["namespace"]
        assert answer.inputs["name"] == (row["name"] if row["in"] not in ("empty", "no name") else "x-1d33abe1")


def test_check_fills_a_release_as_the_real_plugin_does(double: Kubernetes) -> None:
    filled = FACTS["resources"][RELEASE]["check_fills"] | {"version": "1.12.1"}
    answer = check(double, RELEASE, release())
    assert {name: answer.inputs[name] for name in filled} == filled


CLUSTERS: dict[str, Properties] = {
    "unknown kubeconfig (RPC level; the engine itself does not Configure then)": {"kubeconfig": UNKNOWN},
    "unknown kubeconfig + clusterIdentifier": {"kubeconfig": UNKNOWN, "clusterIdentifier": "a"},
    "unreachable": {"kubeconfig": kubeconfig(server="https://127.0.0.1:9")},
    "no kubeconfig": {},
}
BEHAVIOUR_NOT_HELD = {
    "unreachable + deleteUnreachable": "the option is refused: the program does not use it",
    "unreachable + skipUpdateUnreachable": "same",
    "render": "same",
    "garbage kubeconfig": "its text is a YAML parser's; `unknown kubeconfig` holds the refusal",
}
INPUTS = {"Namespace": (NAMESPACE, BASE), "Release": (RELEASE, CHART)}


def test_every_cluster_of_the_facts_is_held_or_excused() -> None:
    assert {*CLUSTERS, *BEHAVIOUR_NOT_HELD} == set(FACTS["behaviour"])


@pytest.mark.parametrize("what", ["Namespace", "Release"])
@pytest.mark.parametrize("cluster", CLUSTERS)
def test_a_cluster_that_does_not_answer_fails_only_what_touches_it(double: Kubernetes, cluster: str, what: str) -> None:
    double.configure_with(CLUSTERS[cluster])
    seen, (token, inputs) = FACTS["behaviour"][cluster], INPUTS[what]
    checked = check(double, token, inputs)
    assert checked.failures == []
    state = foretold(double, token, checked.inputs, {}) | {"__inputs": checked.inputs}
    verbs: dict[str, Callable[[], Coroutine[Any, Any, object]]] = {
        "Create": lambda: double.kind(token).create(resource(token), checked.inputs),
        "Update": lambda: double.kind(token).update(resource(token), "ns/r", state, checked.inputs),
        "Delete": lambda: double.kind(token).delete(resource(token), "ns/r", state),
        "Read": lambda: double.kind(token).read(resource(token), "ns/r", state),
    }
    for verb, call in verbs.items():
        text = seen[f"{what} {verb}"]
        expected = text if isinstance(text, str) else text[1]
        with pytest.raises(Refused) as refused:
            asyncio.run(call())
        assert comparable(str(refused.value), expected) == comparable(expected, expected)


def resource(token: str) -> Resource:
    return Resource(urn=urn(token), type=token, name="x")


def comparable(text: str, cut: str) -> str:
    """The facts hold the first 200 characters, with white space folded and quoted reasons escaped."""
    unescaped = text.replace("\\n", " ").replace("\\t", " ").replace("\\", "")
    return " ".join(unescaped.split())[: len(cut) - 25]
