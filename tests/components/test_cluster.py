"""What the program does with the cluster itself: credentials, nodes, provider."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from components.outputs import export
from components.site import build
from fleet.addons.consumers import network_policy
from tests.components.plan import record
from tests.components.stacks import BUCKET, inputs_of

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
        assert plan.one("nodes-jetson-1-taints").inputs["environment"]["NIXFLEET_TAINTS"] == "gpu:NoSchedule"
        assert [item.name for item in plan.of("Command") if item.name.endswith("-taints")] == ["nodes-jetson-1-taints"]

    def test_no_patch_owns_the_list_of_taints_in_which_kubernetes_has_its_own(self, deploy: Deploy) -> None:
        patches = deploy(change=tainted).of("NodePatch")
        assert len(patches) == 6
        assert [item.name for item in patches if "spec" in item.inputs] == []

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
        assert (binding.inputs["roleRef"]["kind"], binding.inputs["roleRef"]["name"]) == ("ClusterRole", "edit")
        rules = plan.one("consumer-shared").inputs["rules"]
        assert {verb for rule in rules for verb in rule["verbs"]} == {"get", "list", "watch"}
        assert "secrets" not in {resource for rule in rules for resource in rule["resources"]}

    def test_its_token_ends_by_itself_and_is_fetched_anew_each_quarter(self, deploy: Deploy) -> None:
        plan = deploy()
        token = plan.one("consumer-token")
        assert token.inputs["create"].endswith("python -m hostops credential --stack sim")
        assert token.inputs["update"] == token.inputs["create"]
        environment = dict(token.inputs["environment"])
        peers = json.loads(environment.pop("NIXFLEET_PEERS"))
        assert sorted(peers) == ["hcloud-1", "hcloud-2", "hcloud-3"]
        environment.pop("NIXFLEET_IDENTITY")
        assert {name: value for name, value in environment.items() if not name.endswith("_SECONDS")} == {
            "NIXFLEET_ACCOUNT": "consumer",
            "NIXFLEET_ANCHOR": "consumer-login",
            "NIXFLEET_NAMESPACE": "workloads",
            "NIXFLEET_RENEWAL": "2026-q3",
            "NIXFLEET_TOKEN_DAYS": "190",
        }
        assert token.inputs["logging"] == "none"
        assert set(token.options.additionalSecretOutputs) == {"stdout", "stderr"}
        assert plan.one("consumer-anchor").inputs["metadata"] == {"name": "consumer-login", "namespace": "workloads"}
        # One that the cluster makes for a secret has no end at all.
        assert not [secret.name for secret in plan.of("Secret") if "service-account" in str(secret.inputs)]

    def test_credentials_renewed_by_hand_end_those_before_them(self) -> None:
        """A token ends with the secret that it is bound to, so another name of it ends all that were given."""
        inputs = replace(inputs_of("sim"), renewed="2026-08-01T10:20:30Z")
        plan = record(lambda: export(inputs, build(inputs)))
        assert plan.one("consumer-anchor").inputs["metadata"]["name"] == "consumer-login-2026-08-01t102030z"
        environment = plan.one("consumer-token").inputs["environment"]
        assert environment["NIXFLEET_ANCHOR"] == "consumer-login-2026-08-01t102030z"
        assert environment["NIXFLEET_RENEWAL"] == "2026-q3-2026-08-01T10:20:30Z"


def isolated(fleet: dict[str, Any]) -> None:
    fleet["consumers"] = {
        "isolated": True,
        "admit": ["ingress"],
        "quota": {"cpu": "4", "memory": "8Gi", "storage": "100Gi", "pods": 50},
    }


def restricted(fleet: dict[str, Any]) -> None:
    fleet["consumers"] = {"podSecurity": "restricted"}


class TestConsumerNamespace:
    def test_no_pod_in_it_is_root_on_its_node(self, deploy: Deploy) -> None:
        """The label by which the API server's own admission refuses privileges, host namespaces and host folders."""
        for change, level in ((None, "baseline"), (restricted, "restricted")):
            metadata = deploy(change=change).one("consumer-namespace").inputs["metadata"]
            assert metadata["labels"] == {"pod-security.kubernetes.io/enforce": level}

    def test_nothing_a_consumer_may_write_takes_the_label_off(self, deploy: Deploy) -> None:
        plan = deploy(change=isolated)
        rules = [*plan.one("consumer-shared").inputs["rules"], *plan.one("consumer-role").inputs["rules"]]
        writing = [rule for rule in rules if not set(rule["verbs"]) <= {"get", "list", "watch"}]
        written = {resource for rule in writing for resource in rule["resources"]}
        assert not written & {"*", "namespaces", "networkpolicies", "resourcequotas", "limitranges", "roles"}
        assert not {verb for rule in rules for verb in rule["verbs"]} & {"*", "bind", "escalate", "impersonate"}

    def test_borders_and_share_are_there_where_they_are_set(self, deploy: Deploy) -> None:
        plan = deploy(change=isolated)
        borders = plan.one("consumer-borders").inputs
        assert borders["metadata"] == {"name": "nixfleet", "namespace": "workloads"}
        assert borders["spec"] == {
            "podSelector": {},
            "policyTypes": ["Ingress", "Egress"],
            "ingress": [
                {
                    "from": [
                        {"podSelector": {}},
                        {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "ingress"}}},
                    ]
                }
            ],
            "egress": [
                {"to": [{"podSelector": {}}]},
                {
                    "to": [
                        {
                            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}},
                            "podSelector": {"matchLabels": {"k8s-app": "kube-dns"}},
                        }
                    ],
                    "ports": [{"port": 53, "protocol": "UDP"}, {"port": 53, "protocol": "TCP"}],
                },
                {
                    "to": [
                        {
                            "ipBlock": {
                                "cidr": "0.0.0.0/0",
                                "except": [
                                    "10.0.0.0/8",
                                    "100.64.0.0/10",
                                    "169.254.0.0/16",
                                    "172.16.0.0/12",
                                    "192.168.0.0/16",
                                ],
                            }
                        }
                    ]
                },
            ],
        }
        assert plan.one("consumer-quota").inputs["spec"]["hard"] == {
            "requests.cpu": "4",
            "requests.memory": "8Gi",
            "limits.memory": "8Gi",
            "requests.storage": "100Gi",
            "pods": "50",
        }
        assert plan.one("consumer-limits").inputs["spec"]["limits"] == [
            {
                "type": "Container",
                "defaultRequest": {"cpu": "100m", "memory": "128Mi"},
                "default": {"memory": "512Mi"},
            }
        ]
        binding = plan.one("consumer-binding").inputs["roleRef"]
        assert (binding["kind"], binding["name"]) == ("Role", "consumer")

    def test_pods_outside_of_private_ranges_are_no_internet_either(self) -> None:
        def public(fleet: dict[str, Any]) -> None:
            isolated(fleet)
            fleet["cluster"]["podRange"] = "198.18.0.0/16"

        policy = network_policy(inputs_of("sim", public).fleet)
        assert "198.18.0.0/16" in policy["egress"][2]["to"][0]["ipBlock"]["except"]

    def test_without_settings_there_are_neither(self, deploy: Deploy) -> None:
        names = {resource.name for resource in deploy().resources}
        assert not names & {"consumer-borders", "consumer-quota", "consumer-limits", "consumer-role"}


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
