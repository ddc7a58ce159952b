"""What the stack exports: the versioned model, and the scoped credential beside it as a secret."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pulumi

from fleet.contract.outputs import ClusterOutputs, HostOutputs, StackOutputs

if TYPE_CHECKING:
    from components.inputs import Inputs
    from components.site import Site
    from fleet.cluster import Kyverno, Longhorn, Multus


def enabled_addons(inputs: Inputs) -> dict[str, str]:
    """Versions of the add-ons that are switched on."""
    addons = inputs.fleet.addons
    settings: dict[str, Kyverno | Longhorn | Multus] = {
        "kyverno": addons.kyverno,
        "longhorn": addons.longhorn,
        "multus": addons.multus,
    }
    return {name: addon.version for name, addon in settings.items() if addon.enabled}


def stack_outputs(
    inputs: Inputs, *, endpoint: str, addresses: dict[str, str], closures: dict[str, str]
) -> StackOutputs:
    """The exported model from plain values."""
    cluster, identities = inputs.fleet.cluster, inputs.identities.hosts
    facts = inputs.contract.cluster.endpoint
    return StackOutputs(
        cluster=ClusterOutputs(
            name=cluster.name,
            endpoint=f"https://{facts.name}:{facts.port}",
            endpoint_address=endpoint,
            k3s_version=cluster.k3s_version,
        ),
        hosts={
            name: HostOutputs(
                kind=host.kind,
                role=host.role,
                address=str(host.address),
                ssh_address=addresses[name],
                closure=closures[name],
            )
            for name, host in inputs.contract.hosts.items()
        },
        addons=enabled_addons(inputs),
        known_hosts=tuple(f"{name} {identities[name].host_key}" for name in inputs.contract.hosts),
    )


def export(inputs: Inputs, site: Site) -> None:
    """Export the model as `fleet`, the credential as `kubeconfig`, and as `contents` what the closures were made of.

    The last is no interface: the next preview without Nix compares with it (operate/past.py).
    """

    def document(values: dict[str, Any]) -> dict[str, Any]:
        return stack_outputs(inputs, **values).model_dump(mode="json")

    pulumi.export(
        "fleet",
        pulumi.Output.all(endpoint=site.endpoint_address, addresses=site.addresses, closures=site.closures).apply(
            document
        ),
    )
    pulumi.export("kubeconfig", site.kubeconfig)
    pulumi.export("contents", pulumi.Output.from_input(dict(inputs.contents)))
