"""Hosts: the machines of a fleet, one model per kind. How a kind becomes a machine is components/clouds' matter."""

from __future__ import annotations

from ipaddress import IPv4Address
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from fleet.model import Arch, DiskPath, Firmware, MacAddress, Model, Name, Role, Word


class Hardware(Model):
    """What a hardware module of nix/ supports."""

    arch: Arch
    firmware: Firmware


HARDWARE: dict[str, Hardware] = {
    # keep-sorted start
    "hcloud-arm": Hardware(arch=Arch.AARCH64, firmware=Firmware.UEFI),
    "hcloud-x86": Hardware(arch=Arch.X86_64, firmware=Firmware.HYBRID),
    "jetson-orin-nano": Hardware(arch=Arch.AARCH64, firmware=Firmware.UEFI),
    "n100": Hardware(arch=Arch.X86_64, firmware=Firmware.UEFI),
    "ovh": Hardware(arch=Arch.X86_64, firmware=Firmware.HYBRID),
    "qemu": Hardware(arch=Arch.X86_64, firmware=Firmware.UEFI),
    # keep-sorted end
}
"""Hardware modules by name; `nix/modules/hardware/<name>.nix` is the other half."""

HardwareName = Literal["hcloud-arm", "hcloud-x86", "jetson-orin-nano", "n100", "ovh", "qemu"]
Layout = Literal["hetzner-cloud", "n100-standard", "n100-zfs", "ovh-cloud", "vm-test", "zfs-server"]
"""A disk layout of `nix/disko/`. The cloud ones boot under BIOS and UEFI: the firmware depends on the server type."""

DataLayout = Literal["tank"]
"""A layout of a further disk: `tank` is a ZFS pool for backups, services, containers and virtual machines."""


class Drive(Model):
    """A disk, and how the install guard knows it again."""

    device: DiskPath
    """Stable path, normally `/dev/disk/by-id/...`."""

    serial: str | None = None
    """Serial number that the guard compares before anything is written; None where a cloud makes the disk."""

    size_gib: Annotated[int, Field(ge=8)]
    """Size in GiB of the disk as it is, which the guard compares (a tenth of tolerance: makers count in powers of
    ten). At Hetzner a larger server type keeps the disk, and so this."""


class Disk(Drive):
    """The disk that the system is installed on."""

    unstable_path: bool = False
    """Allow a device that is not by-id."""

    layout: Layout
    """How it is partitioned."""

    labels: Literal["own", "shared"] = "own"
    """Whose labels its partitions carry: the host's own, or those that all hosts shared before there were own ones.

    A fact of the installation: the host finds its partitions by them, so only an installation changes it.
    """


class DataDisk(Drive):
    """A further disk that an installation formats too, and never without a token once it carries something of ours."""

    layout: DataLayout
    """What it is made into."""


def drives(disk: Disk, data_disk: DataDisk | None) -> dict[str, Drive]:
    """Every disk that an installation touches, by its key in the stack file."""
    return {"disk": disk, **({"dataDisk": data_disk} if data_disk else {})}


class Taint(Model):
    """A Kubernetes node taint."""

    key: str
    value: str = ""
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"]


class Tuning(Model):
    """Host options that a hardware or base module reads."""

    zram_percent: Annotated[int, Field(ge=0, le=100)] = 25
    """Compressed swap in memory, per cent of memory; 0 switches it off."""

    mitigations: bool = True
    """Mitigations of processor faults; False trades safety for speed."""

    k3s_memory_max_gib: Annotated[int, Field(ge=1)] | None = None
    """Memory limit of the k3s unit; None takes the hardware's default."""

    kernel_params: tuple[Word, ...] = ()
    """Further words for the kernel's command line."""


class Host(Model):
    """What every machine has, whatever its kind."""

    created: ClassVar[bool]
    """Whether the program creates the machine; False for records."""

    login_user: ClassVar[str] = "root"
    """Who may log in before the system is installed."""

    hardware_choices: ClassVar[tuple[str, ...]] = ()
    """Hardware modules that machines of this kind can be; empty: any."""

    role: Role
    """What the node does in the cluster."""

    hardware: HardwareName
    """Hardware module of nix/."""

    address: IPv4Address
    """Address on the cluster network: etcd, kubelet and pod traffic use only this."""

    storage_address: IPv4Address | None = None
    """Address on the profile's storage network; needs a network profile that has one."""

    disk: Disk
    """Where the system is installed."""

    data_disk: DataDisk | None = None
    """A further disk that belongs to the host; None: no other disk of the machine is touched."""

    storage: bool = False
    """Whether Longhorn keeps replicas here. It stays until Longhorn is uninstalled, as hosts keep its tools with it."""

    labels: dict[str, str] = {}
    """Kubernetes node labels."""

    taints: tuple[Taint, ...] = ()
    """Kubernetes node taints."""

    tuning: Tuning = Tuning()
    """Options of the host."""

    profile: Name | None = None
    """Network profile, where it differs from the fleet's."""

    ports: dict[str, MacAddress] = {}
    """Hardware addresses by the profile's port names, so that no naming scheme of the kernel can break a bond."""

    reinstall: str | None = None
    """One-shot token: a new value formats the disk and installs again. Form: `<host>@<anything new>`."""

    @property
    def drives(self) -> dict[str, Drive]:
        """Every disk that an installation touches, by its key in the stack file."""
        return drives(self.disk, self.data_disk)

    @property
    def arch(self) -> Arch:
        """Processor architecture, by hardware module."""
        return HARDWARE[self.hardware].arch


class Volume(Model):
    """A cloud volume for Longhorn's replicas."""

    size_gib: Annotated[int, Field(ge=10, le=10240)]
    """Size in GiB (Hetzner: 10 to 10240)."""


class HcloudHost(Host):
    """A Hetzner Cloud server, created and owned by the stack."""

    created = True
    hardware_choices = ("hcloud-arm", "hcloud-x86")
    kind: Literal["hcloud"]
    server_type: str
    """Hetzner's name of the type, as in the catalogue of `fleet/catalog.py`. A larger one keeps the disk as it is."""

    grow_disk: bool = False
    """Let the disk grow with a larger server type, for good: no type with a smaller disk can be gone back to.

    `disk.sizeGib` is then the larger type's. Partitions stay as they are until the next installation.
    """

    location: str
    """Hetzner location, for example `fsn1`."""

    image: str = "debian-13"
    """Cloud image that the installer is started from."""

    private_address: IPv4Address | None = None
    """Address on Hetzner's private network, where the provider section has one."""

    volume: Volume | None = None
    """A volume of its own for Longhorn."""


class OvhInstanceHost(Host):
    """An OVH Public Cloud instance, created and owned by the stack."""

    created = True
    login_user = "ubuntu"
    hardware_choices = ("ovh",)
    kind: Literal["ovh-instance"]
    region: str
    """OVH region, for example `GRA11`."""

    flavor_id: str
    """Identifier of the flavor in that region."""

    image_id: str
    """Identifier of an Ubuntu image in that region."""

    private_address: IPv4Address | None = None
    """Address on OVH's private network, where the provider section has one."""


class OvhDedicatedHost(Host):
    """An OVH dedicated server: a record. It is never ordered, reinstalled through OVH's API, or given up."""

    created = False
    hardware_choices = ("ovh",)
    kind: Literal["ovh-dedicated"]
    service_name: str
    """OVH's name of the server, for example `ns1.ip-203-0-113.eu`: another one is another machine."""

    ssh_address: IPv4Address
    """Where SSH answers."""


class BareMetalHost(Host):
    """A board or a server that stands somewhere: a record, never created, never terminated."""

    created = False
    hardware_choices = ("jetson-orin-nano", "n100", "qemu")
    kind: Literal["bare-metal"]
    ssh_address: IPv4Address | None = None
    """Where SSH answers; None: at the cluster address."""


HOST_KINDS: dict[str, type[Host]] = {}
"""Models by the word that stands in `kind`."""


def register_kind(model: type[Host]) -> type[Host]:
    """Add a kind of host to the language: what a new cloud calls from its one file."""
    (kind,) = model.model_fields["kind"].annotation.__args__  # type: ignore[union-attr]  # a Literal of one word
    HOST_KINDS[kind] = model
    return model


for _model in (BareMetalHost, HcloudHost, OvhDedicatedHost, OvhInstanceHost):
    register_kind(_model)


class _ByKind:
    """Validates a host by the model that its `kind` names."""

    @classmethod
    def __get_pydantic_core_schema__(cls, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            cls.validate,
            serialization=core_schema.plain_serializer_function_ser_schema(lambda host: host.model_dump(mode="json")),
        )

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        models = [handler(model.__pydantic_core_schema__) for _, model in sorted(HOST_KINDS.items())]
        return {"oneOf": models}

    @staticmethod
    def validate(value: object) -> Host:
        if isinstance(value, Host):
            return value
        kind = value.get("kind") if isinstance(value, dict) else None
        model = HOST_KINDS.get(kind) if isinstance(kind, str) else None
        if model is None:
            known = ", ".join(sorted(HOST_KINDS))
            raise PydanticCustomError("unknown_kind", "a host's kind is one of {known}", {"known": known})
        return model.model_validate(value, by_alias=True, by_name=False)


AnyHost = Annotated[Host, _ByKind]
"""A host of any registered kind."""
