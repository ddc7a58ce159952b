"""The doubles under the real engine: up, unchanged, replaced, refreshed, destroyed, and what a state holds in clear."""

from __future__ import annotations

import base64
import multiprocessing
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pulumi
import pulumi_command as command
import pulumi_hcloud as hcloud
import pulumi_kubernetes as kubernetes
import pulumi_ovh as ovh
import pytest
from pulumi import automation as auto

from fleet.keys.encryption import find_cli
from sim.launch import ADDRESS
from sim.machines import certificates
from sim.machines.rack import Rack
from sim.plugins.install import PLUGINS, install, version
from sim.world import Fault, World
from sim.zygote import zygote
from tests.sim.plugins.bases import KEY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

pytestmark = pytest.mark.engine
ID = "11111111-1111-1111-1111-111111111111"


def data(**fields: Any) -> Any:
    """Hide plain data from the type checker: inferring the SDK's nested shapes from literals takes it gigabytes."""
    return fields


class Engine:
    """One stack on a file backend, with the doubles as its only plugins."""

    def __init__(self, folder: Path, address: Path, program: Callable[[], None]) -> None:
        cli = find_cli(os.environ)
        self._folder = folder
        self.world = World(folder / "world")
        home = folder / "home"
        (folder / "state").mkdir()
        (folder / "work").mkdir()
        install(home / "plugins", Path(sys.executable))
        variables = {
            "NIXFLEET_SIM": str(self.world.root),
            ADDRESS: str(address),
            "PATH": f"{Path(cli).parent}:{os.environ['PATH']}",
            "PULUMI_BACKEND_URL": f"file://{folder}/state",
            "PULUMI_CONFIG_PASSPHRASE": "test",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            "PULUMI_IGNORE_AMBIENT_PLUGINS": "true",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
        }
        with pytest.MonkeyPatch.context() as patch:
            # The SDK looks for the CLI on its own PATH, before it knows the workspace's variables.
            patch.setenv("PATH", variables["PATH"])
            options = auto.LocalWorkspaceOptions(
                work_dir=str(folder / "work"), pulumi_home=str(home), env_vars=variables
            )
            self.stack = auto.create_or_select_stack("s", project_name="p", program=program, opts=options)

    def up(self) -> dict[str, int]:
        return self._counts(lambda: self.stack.up().summary.resource_changes)

    def preview(self) -> dict[str, int]:
        return self._counts(lambda: self.stack.preview().change_summary)

    def refresh(self) -> dict[str, int]:
        return self._counts(lambda: self.stack.refresh().summary.resource_changes)

    def destroy(self) -> None:
        self._counts(lambda: self.stack.destroy().summary.resource_changes)

    def output(self, name: str) -> Any:
        return self.stack.outputs()[name].value

    def state(self) -> str:
        """Return the state as it is on disk: an export would decrypt it."""
        return (self._folder / "state/.pulumi/stacks/p/s.json").read_text()

    def _counts(self, run: Callable[[], Mapping[Any, int] | None]) -> dict[str, int]:
        def summary() -> dict[str, int]:
            return {str(getattr(kind, "value", kind)): number for kind, number in (run() or {}).items()}

        counts: dict[str, int] = self._apart(summary)
        return counts

    @staticmethod
    def _apart(work: Callable[[], Any]) -> Any:
        """Work in a forked process: the SDK of a failed run leaves threads that wait for the dead engine for ever."""
        ours, theirs = multiprocessing.Pipe(duplex=False)
        child = os.fork()
        if child == 0:
            try:
                theirs.send((None, work()))
            except BaseException as error:  # noqa: BLE001 - whatever it was, the parent has to be told
                theirs.send((str(error), None))
            os._exit(0)
        theirs.close()
        refused, answer = ours.recv()
        os.waitpid(child, 0)
        if refused is not None:
            raise RunFailedError(refused)
        return answer


class RunFailedError(Exception):
    """The engine's own words of a failed run."""


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Of a zygote."""
    path = tmp_path_factory.mktemp("zygote") / "z"
    with zygote(path):
        yield path


@pytest.fixture
def engine(tmp_path: Path, address: Path) -> Callable[[Callable[[], None]], Engine]:
    return lambda program: Engine(tmp_path, address, program)


def test_launchers_carry_the_version_that_each_sdk_asks_for(tmp_path: Path) -> None:
    install(tmp_path, Path(sys.executable))
    wanted = {f"resource-{plugin}-v{version(plugin)}/pulumi-resource-{plugin}" for plugin in PLUGINS}
    assert {str(path.relative_to(tmp_path)) for path in tmp_path.glob("*/*")} == wanted
    assert all(os.access(path, os.X_OK) for path in tmp_path.glob("*/*"))


def test_hetzner_from_nothing_to_nothing(engine: Callable[[Callable[[], None]], Engine]) -> None:
    settings = {"data": "#cloud-config", "label": "a"}

    def program() -> None:
        opts = pulumi.ResourceOptions(provider=hcloud.Provider("hetzner", token="0" * 64))
        network = hcloud.Network("network", name="network", ip_range="10.0.0.0/16", opts=opts)
        subnet = hcloud.NetworkSubnet(
            "subnet",
            network_id=network.id.apply(int),
            type="cloud",
            network_zone="eu-central",
            ip_range="10.0.1.0/24",
            opts=opts,
        )
        server = hcloud.Server(
            "server",
            name="server",
            server_type="cx23",
            image="debian-13",
            location="fsn1",
            user_data=pulumi.Output.secret(settings["data"]),
            labels={"role": settings["label"]},
            opts=opts,
        )
        hcloud.ServerNetwork(
            "attachment", server_id=server.id.apply(int), subnet_id=subnet.id, ip="10.0.1.5", opts=opts
        )
        pulumi.export("address", server.ipv4_address)

    run = engine(program)
    assert run.preview() == {"create": 6}
    assert run.up() == {"create": 6}
    assert run.output("address") == "203.0.113.1"
    machine = Rack(run.world).by_name("server")
    assert machine is not None
    assert machine.spec.user_data == "#cloud-config"
    assert "#cloud-config" not in run.state()
    assert run.up() == {"same": 6}
    settings["label"] = "b"
    assert run.up() == {"same": 5, "update": 1}
    settings["data"] = "#!/bin/sh"
    assert run.up() == {"same": 4, "replace": 2}
    replaced = Rack(run.world).by_name("server")
    assert replaced is not None
    assert replaced.spec.id != machine.spec.id
    with run.world.edit("clouds/hcloud") as cloud:
        cloud["objects"]["Server"][replaced.spec.id]["labels"] = {"role": "drifted"}
    assert run.refresh() == {"same": 5, "update": 1}
    assert run.up() == {"same": 5, "update": 1}
    run.destroy()
    assert not any(run.world.read("clouds/hcloud")["objects"].values())
    assert Rack(run.world).machines() == ()


def test_a_server_that_vanished_is_made_again_after_a_refresh(engine: Callable[[Callable[[], None]], Engine]) -> None:
    def program() -> None:
        opts = pulumi.ResourceOptions(provider=hcloud.Provider("hetzner", token="0" * 64))
        hcloud.PlacementGroup("group", name="group", type="spread", opts=opts)

    run = engine(program)
    run.up()
    with run.world.edit("clouds/hcloud") as cloud:
        cloud["objects"]["PlacementGroup"].clear()
    assert run.up() == {"same": 3}
    run.refresh()
    assert run.up() == {"same": 2, "create": 1}


def test_a_wrong_token_fails_the_preview(engine: Callable[[Callable[[], None]], Engine]) -> None:
    def program() -> None:
        opts = pulumi.ResourceOptions(provider=hcloud.Provider("hetzner", token="short"))  # noqa: S106 - refused
        hcloud.PlacementGroup("group", name="group", type="spread", opts=opts)

    with pytest.raises(RunFailedError, match="must be exactly 64 characters long"):
        engine(program).preview()


def test_ovh_plans_an_update_that_it_cannot_do(engine: Callable[[Callable[[], None]], Engine]) -> None:
    settings = {"image": ID}

    def program() -> None:
        provider = ovh.Provider(
            "ovh",
            endpoint="ovh-eu",
            application_key="k",
            application_secret="s",  # noqa: S106 - of a simulated cloud
            consumer_key="c",
        )
        opts = pulumi.ResourceOptions(provider=provider)
        key = ovh.CloudProjectSshKey("key", service_name="p", public_key=KEY, opts=opts)
        instance = ovh.cloudproject.Instance(
            "instance",
            service_name="p",
            region="GRA11",
            billing_period="hourly",
            boot_from=data(image_id=settings["image"]),
            flavor=data(flavor_id=ID),
            network=data(public=True),
            ssh_key=data(name=key.name),
            opts=opts,
        )
        pulumi.export("addresses", instance.addresses)

    run = engine(program)
    assert run.up() == {"create": 4}
    assert run.output("addresses") == [{"ip": "198.51.100.129", "version": 4}]
    assert run.up() == {"same": 4}
    settings["image"] = ID.replace("1", "2")
    assert run.preview() == {"same": 3, "update": 1}
    with pytest.raises(RunFailedError, match="doesn't support update"):
        run.up()
    assert settings["image"] in run.state()
    run.destroy()
    assert Rack(run.world).machines() == ()


def test_triggers_replace_a_command_and_environment_updates_it(engine: Callable[[Callable[[], None]], Engine]) -> None:
    settings = {"trigger": "a", "closure": "1"}

    def program() -> None:
        ran = command.local.Command(
            "command",
            create='echo "made $CLOSURE"; cat',
            update='echo "changed $CLOSURE"',
            environment={"CLOSURE": settings["closure"]},
            stdin=pulumi.Output.secret("word of mouth"),
            triggers=[settings["trigger"]],
            opts=pulumi.ResourceOptions(additional_secret_outputs=["stdout"]),
        )
        pulumi.export("stdout", ran.stdout)

    run = engine(program)
    assert run.up() == {"create": 2}
    assert run.output("stdout") == "made 1\nword of mouth"
    assert "word of mouth" not in run.state()
    assert run.up() == {"same": 2}
    settings["closure"] = "2"
    assert run.up() == {"same": 1, "update": 1}
    assert run.output("stdout") == "changed 2"
    settings["trigger"] = "b"
    assert run.up() == {"same": 1, "replace": 1}
    steps = [event.step for event in run.world.events(machine="command")]
    assert steps == ["create command", "update command", "create command"]


def cluster(world: World) -> str:
    """Put a cluster with one Ready node into the world; return an admin's kubeconfig."""
    authority = certificates.new_authority()
    node = {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": "n1", "labels": {"kubernetes.io/os": "linux"}},
        "spec": {},
        "status": {"conditions": [{"type": "Ready", "status": "True"}]},
    }
    member = {"id": "1", "machine": "m1", "address": "192.0.2.2"}
    world.write(
        "clusters/lab",
        {"authority": authority, "available": True, "members": {"n1": member}, "nodes": {"n1": node}, "objects": {}},
    )
    return certificates.kubeconfig(authority).replace("127.0.0.1", "192.0.2.2")


def addons(kubeconfig: str, settings: dict[str, Any]) -> None:
    """Declare one of everything that a cluster gets."""
    provider = kubernetes.Provider("lab", kubeconfig=pulumi.Output.secret(kubeconfig), cluster_identifier="lab")

    def after(*resources: pulumi.Resource) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(provider=provider, depends_on=list(resources))

    namespace = kubernetes.core.v1.Namespace("namespace", metadata=data(name="app"), opts=after())
    kubernetes.core.v1.NodePatch(
        "node",
        metadata=data(name="n1", labels=settings["labels"], annotations={"pulumi.com/patchForce": "true"}),
        opts=after(),
    )
    account = kubernetes.core.v1.ServiceAccount(
        "account", metadata=data(name="reader", namespace="app"), opts=after(namespace)
    )
    token = kubernetes.core.v1.Secret(
        "token",
        metadata=data(name="token", namespace="app", annotations={"kubernetes.io/service-account.name": "reader"}),
        type="kubernetes.io/service-account-token",
        opts=after(account),
    )
    longhorn = kubernetes.helm.v3.Release(
        "longhorn",
        name="longhorn",
        chart="longhorn",
        version="1.12.1",
        namespace="longhorn-system",
        create_namespace=True,
        repository_opts=data(repo="https://charts.example.org"),
        values=data(
            defaultSettings={"deletingConfirmationFlag": True},
            persistence={"defaultClassReplicaCount": settings["replicas"]},
        ),
        opts=after(),
    )
    claim = kubernetes.core.v1.PersistentVolumeClaim(
        "claim",
        metadata=data(name="claim", namespace="app"),
        spec=data(
            access_modes=["ReadWriteOnce"], storage_class_name="longhorn", resources={"requests": {"storage": "1Gi"}}
        ),
        opts=after(longhorn, namespace),
    )
    container = {"name": "write", "image": "registry.example.org/busybox@sha256:" + "0" * 64}
    volume = {"name": "v", "persistent_volume_claim": {"claim_name": "claim"}}
    kubernetes.batch.v1.Job(
        "smoke-test",
        metadata=data(name="smoke-test", namespace="app"),
        spec=data(template={"spec": {"restart_policy": "Never", "containers": [container], "volumes": [volume]}}),
        opts=after(claim),
    )
    recurring = kubernetes.apiextensions.CustomResource
    recurring(
        "backup",
        api_version="longhorn.io/v1beta2",
        kind="RecurringJob",
        metadata=data(name="backup", namespace="longhorn-system"),
        spec=data(cron="0 3 * * *", task="backup"),
        opts=after(longhorn),
    )
    pulumi.export("token", token.data["token"])


def test_a_cluster_from_nothing_to_nothing(engine: Callable[[Callable[[], None]], Engine]) -> None:
    settings: dict[str, Any] = {"labels": {"storage": "true"}, "replicas": 3}
    kubeconfig = ""

    def program() -> None:
        addons(kubeconfig, settings)

    run = engine(program)
    kubeconfig = cluster(run.world)
    assert run.up() == {"create": 10}
    token = base64.b64decode(run.output("token")).decode()
    assert token.startswith("simulated.reader.")
    assert token not in run.state()
    assert run.output("token") not in run.state()
    assert run.up() == {"same": 10}
    run.refresh()
    assert run.up() == {"same": 10}
    settings.update(labels={"storage": "false", "rack": "1"}, replicas=2)
    assert run.up() == {"same": 8, "update": 2}
    after = run.world.read("clusters/lab")
    assert after["nodes"]["n1"]["metadata"]["labels"] == {"kubernetes.io/os": "linux", "storage": "false", "rack": "1"}
    longhorn = after["objects"]["storage.k8s.io/StorageClass//longhorn"]
    assert longhorn["parameters"] == {"numberOfReplicas": "2"}
    run.destroy()
    after = run.world.read("clusters/lab")
    # Helm makes namespaces, and leaves them.
    assert list(after["objects"]) == ["/Namespace//longhorn-system"]
    assert after["releases"] == {}
    assert after["nodes"]["n1"]["metadata"]["labels"] == {"kubernetes.io/os": "linux"}


def one(kubeconfig: str, make: Callable[[pulumi.ResourceOptions], object]) -> None:
    make(pulumi.ResourceOptions(provider=kubernetes.Provider("lab", kubeconfig=kubeconfig, cluster_identifier="lab")))


def config_map(namespace: str, name: str = "m") -> Callable[[pulumi.ResourceOptions], object]:
    metadata = data(name=name, namespace=namespace)
    return lambda opts: kubernetes.core.v1.ConfigMap("m", metadata=metadata, data={"a": "b"}, opts=opts)


REFUSED: list[tuple[Callable[[pulumi.ResourceOptions], object], str]] = [
    (config_map("nowhere"), 'namespaces "nowhere" not found'),
    (
        lambda opts: kubernetes.apiextensions.CustomResource(
            "p", api_version="kyverno.io/v1", kind="ClusterPolicy", metadata=data(name="p"), opts=opts
        ),
        'no matches for kind "ClusterPolicy" in version "kyverno.io/v1"',
    ),
    (
        lambda opts: kubernetes.core.v1.Namespace("n", metadata=data(name="kube-system"), opts=opts),
        'namespaces "kube-system" already exists',
    ),
    (
        lambda opts: kubernetes.core.v1.NodePatch("n", metadata=data(name="nobody"), opts=opts),
        'nodes "nobody" not found: a patch needs an object that exists',
    ),
    (
        lambda opts: kubernetes.core.v1.NodePatch(
            "n", metadata=data(name="n1", labels={"kubernetes.io/os": "nixos"}), opts=opts
        ),
        r'conflict with "k3s": \.metadata\.labels\.kubernetes\.io/os',
    ),
    (
        lambda opts: kubernetes.core.v1.PersistentVolumeClaim(
            "c",
            metadata=data(name="c", namespace="default"),
            spec=data(
                access_modes=["ReadWriteOnce"],
                storage_class_name="longhorn",
                resources={"requests": {"storage": "1Gi"}},
            ),
            opts=opts,
        ),
        r'storageclass.storage.k8s.io \\?"longhorn\\?" not found, so it is never Bound',
    ),
    (
        lambda opts: kubernetes.helm.v3.Release(
            "r",
            chart="longhorn",
            version="1.0.0",
            repository_opts=data(repo="https://charts.example.org"),
            opts=opts,
        ),
        r'chart \\?"longhorn\\?" version \\?"1.0.0\\?" not found in https://charts.example.org repository',
    ),
    (
        lambda opts: kubernetes.apps.v1.Deployment(
            "d",
            metadata=data(name="d", namespace="default"),
            spec=data(
                selector={"match_labels": {"a": "b"}}, template={"spec": {"containers": [{"name": "c", "imag": "i"}]}}
            ),
            opts=opts,
        ),
        r"Additional properties are not allowed \('imag' was unexpected\)",
    ),
]


@pytest.mark.parametrize(("make", "text"), REFUSED, ids=[text[:40] for _, text in REFUSED])
def test_a_cluster_refuses(
    engine: Callable[[Callable[[], None]], Engine], make: Callable[[pulumi.ResourceOptions], object], text: str
) -> None:
    kubeconfig = ""
    run = engine(lambda: one(kubeconfig, make))
    kubeconfig = cluster(run.world)
    with pytest.raises(RunFailedError, match=text):
        run.up()


def test_a_cluster_that_is_down_is_unreachable_and_a_preview_does_not_mind(
    engine: Callable[[Callable[[], None]], Engine],
) -> None:
    kubeconfig = ""
    run = engine(lambda: one(kubeconfig, config_map("default")))
    kubeconfig = cluster(run.world)
    with run.world.edit("clusters/lab") as document:
        document["available"] = False
    assert run.preview() == {"create": 3}
    with pytest.raises(RunFailedError, match="configured Kubernetes cluster is unreachable"):
        run.up()


def test_a_kubeconfig_for_the_server_itself_leads_nowhere(engine: Callable[[Callable[[], None]], Engine]) -> None:
    kubeconfig = ""
    run = engine(lambda: one(kubeconfig, config_map("default")))
    kubeconfig = cluster(run.world).replace("192.0.2.2", "127.0.0.1")
    with pytest.raises(RunFailedError, match=r"dial tcp 127.0.0.1:6443: connect: connection refused"):
        run.up()


def test_a_job_that_fails_fails_the_run_and_stays_in_the_state(engine: Callable[[Callable[[], None]], Engine]) -> None:
    kubeconfig = ""

    def job(opts: pulumi.ResourceOptions) -> None:
        spec: Any = {"template": {"spec": {"restart_policy": "Never", "containers": [{"name": "c", "image": "i"}]}}}
        kubernetes.batch.v1.Job("j", metadata=data(name="j", namespace="default"), spec=spec, opts=opts)

    run = engine(lambda: one(kubeconfig, job))
    kubeconfig = cluster(run.world)
    run.world.inject(Fault(machine="kubernetes", step="await Job", kind="fail"))
    with pytest.raises(RunFailedError, match="Job default/j: timed out waiting for the condition"):
        run.up()
    assert '"id":"default/j"' in run.state()
    assert run.up() == {"same": 2, "update": 1}
