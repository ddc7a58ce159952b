"""What the program does with the cluster itself: credentials, nodes, provider."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tests.components.stacks import BUCKET

if TYPE_CHECKING:
    from tests.components.stacks import Deploy


class TestAdminKubeconfig:
    def test_it_is_secret_and_shown_nowhere(self, deploy: Deploy) -> None:
        fetched = deploy().one("admin-kubeconfig")
        assert fetched.inputs["logging"] == "none"
        assert set(fetched.options.additionalSecretOutputs) == {"stdout", "stderr"}

    def test_it_is_fetched_anew_each_quarter_and_after_an_installation(self, deploy: Deploy) -> None:
        environment = deploy().one("admin-kubeconfig").inputs["environment"]
        assert environment["NIXFLEET_RENEWAL"] == "2026-q3"
        installed = [f"hcloud-{number}-install-id" for number in (1, 2, 3)]
        assert json.loads(environment["NIXFLEET_INSTALLATIONS"]) == installed

    def test_it_leads_to_the_api_by_address(self, deploy: Deploy) -> None:
        environment = deploy().one("admin-kubeconfig").inputs["environment"]
        assert environment["NIXFLEET_ENDPOINT"] == "https://203.0.113.200:6443"


def test_the_clusters_identity_is_constant_and_its_kubeconfig_secret(deploy: Deploy) -> None:
    provider = deploy().one("kubernetes")
    assert provider.inputs["clusterIdentifier"] == "sim-sim"
    assert "kubeconfig" in provider.secret


class TestSnapshotBucket:
    def test_the_bucket_and_its_credential_reach_k3s_as_its_secret(self, deploy: Deploy) -> None:
        """Names and type are k3s' own, documented for its option etcd-s3-config-secret."""
        secret = deploy().one("snapshots-secret")
        assert secret.inputs["metadata"] == {"name": "nixfleet-etcd-s3", "namespace": "kube-system"}
        assert secret.inputs["type"] == "etcd.k3s.cattle.io/s3-config-secret"
        assert secret.inputs["stringData"] == {
            "etcd-s3-access-key": BUCKET.access_key,
            "etcd-s3-bucket": "snapshots",
            "etcd-s3-endpoint": "s3.sim.example.net",
            "etcd-s3-folder": "sim",
            "etcd-s3-region": "fsn1",
            "etcd-s3-secret-key": BUCKET.secret_key,
        }
        assert "stringData" in secret.secret

    def test_a_cluster_without_a_bucket_has_none(self, deploy: Deploy) -> None:
        plan = deploy(change=lambda fleet: fleet["cluster"].pop("snapshotBucket"))
        assert not [one.name for one in plan.resources if one.name.startswith("snapshots")]


class TestNodes:
    def test_agents_and_storage_are_labelled(self, deploy: Deploy) -> None:
        plan = deploy()
        assert plan.one("nodes-n100-1").inputs["metadata"]["labels"] == {
            "node-role.kubernetes.io/agent": "true",
            "node.longhorn.io/create-default-disk": "true",
        }
        assert plan.one("nodes-jetson-1").inputs["metadata"]["labels"] == {
            "example.net/gpu": "orin",
            "node-role.kubernetes.io/agent": "true",
        }
        assert plan.one("nodes-hcloud-1").inputs["metadata"].get("labels", {}) == {}

    def test_taints_are_ours_only_where_there_are_some(self, deploy: Deploy) -> None:
        plan = deploy(change=tainted)
        taint = {"key": "gpu", "value": "", "effect": "NoSchedule"}
        assert plan.one("nodes-jetson-1").inputs["spec"] == {"taints": [taint]}
        assert "spec" not in plan.one("nodes-n100-1").inputs

    def test_a_node_is_patched_when_its_system_is_up(self, deploy: Deploy) -> None:
        assert "n100-1-system" in deploy().one("nodes-n100-1").depends_on


def tainted(fleet: dict[str, Any]) -> None:
    fleet["hosts"]["jetson-1"]["taints"] = [{"key": "gpu", "effect": "NoSchedule"}]


class TestConsumerCredential:
    def test_it_logs_in_by_token_and_is_secret(self, deploy: Deploy) -> None:
        plan = deploy()
        document = json.loads(plan.exports["kubeconfig"])
        assert "kubeconfig" in plan.secret_exports
        assert document["users"] == [{"name": "consumer", "user": {"token": "token"}}]
        assert document["clusters"][0]["cluster"] == {
            "server": "https://203.0.113.200:6443",
            "tls-server-name": "api.sim.example.net",
            "certificate-authority-data": "QUE=",
        }

    def test_it_may_change_one_namespace_and_read_what_all_share(self, deploy: Deploy) -> None:
        plan = deploy()
        binding = plan.one("consumer-binding")
        assert binding.inputs["metadata"]["namespace"] == "workloads"
        assert binding.inputs["roleRef"]["name"] == "edit"
        rules = plan.one("consumer-shared").inputs["rules"]
        assert {verb for rule in rules for verb in rule["verbs"]} == {"get", "list", "watch"}
        assert "secrets" not in {resource for rule in rules for resource in rule["resources"]}


def test_the_stack_exports_the_versioned_model(deploy: Deploy) -> None:
    fleet = deploy().exports["fleet"]
    assert fleet["version"] == 1
    assert fleet["cluster"] == {
        "name": "sim",
        "endpoint": "https://api.sim.example.net:6443",
        "endpointAddress": "203.0.113.200",
        "k3sVersion": "v1.35.6+k3s1",
    }
    assert fleet["hosts"]["n100-1"] == {
        "kind": "bare-metal",
        "role": "agent",
        "address": "10.90.0.21",
        "sshAddress": "192.168.50.21",
        "closure": "content-n100-1",
    }
    assert fleet["addons"] == {"kyverno": "3.9.0", "longhorn": "1.12.1", "multus": "v4.3.0"}
    assert [line.split()[:2] for line in fleet["knownHosts"]][:1] == [["hcloud-1", "ssh-ed25519"]]
    assert deploy().secret_exports == {"kubeconfig"}
