"""Laws that the hcloud plugin checks before it calls the cloud, in its words. The cloud's laws are with the kinds."""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING

from sim.plugins.server import Refused
from sim.plugins.values import UNKNOWN, Properties, Value

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sim.plugins.table import Failure, Rule

LABEL_NAME = r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?"
LABEL_KEY = re.compile(rf"([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?{LABEL_NAME}")
LABEL_VALUE = re.compile(rf"({LABEL_NAME})?")


def _labels(inputs: Properties) -> Iterator[tuple[str, str]]:
    """Yield the key of each wrong label and what is wrong with it."""
    labels = inputs.get("labels")
    if not isinstance(labels, dict):
        return
    for key, value in labels.items():
        if not LABEL_KEY.fullmatch(key):
            yield key, f"label key '{key}' is not correctly formatted"
        elif value is not UNKNOWN and not LABEL_VALUE.fullmatch(str(value)):
            yield key, f"label value '{value}' (key: {key}) is not correctly formatted"


def labels(name: str, inputs: Properties) -> Iterator[Failure]:
    """Hold keys and values of labels to their syntax."""
    for _, fault in _labels(inputs):
        yield "labels", f"{fault}. Examine values at '{name}.labels'."


def framework_labels(name: str, inputs: Properties) -> Iterator[Failure]:
    """Do the same in the words of framework resources."""
    for key, fault in _labels(inputs):
        yield "labels", f"Invalid label. {fault}. Examine values at '{name}.labels[\"{key}\"]'."


def one_of(key: str, argument: str, *words: str) -> Rule:
    """Make a rule: the value is one of the words."""

    def rule(name: str, inputs: Properties) -> Iterator[Failure]:
        value = _at(inputs, key)
        if value is not None and value is not UNKNOWN and value not in words:
            wanted = " ".join(f'"{word}"' for word in words)
            yield key, f"expected {argument} to be one of [{wanted}], got {value}. Examine values at '{name}.{key}'."

    return rule


def _at(inputs: Properties, path: str) -> Value:
    value: Value = inputs
    for part in path.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value


def cidr(name: str, inputs: Properties) -> Iterator[Failure]:
    """Hold a network's range to CIDR notation; host bits are the cloud's business."""
    value = inputs.get("ipRange")
    if value is None or value is UNKNOWN:
        return
    try:
        ipaddress.ip_interface(value)
    except ValueError:
        yield (
            "ipRange",
            (
                f'expected "ip_range" to be a valid CIDR Value, got {value}: invalid CIDR address: {value}. '
                f"Examine values at '{name}.ipRange'."
            ),
        )


def firewall_rules(name: str, inputs: Properties) -> Iterator[Failure]:
    """Hold directions and ranges of rules."""
    rules = inputs.get("rules")
    for rule in rules if isinstance(rules, list) else []:
        if rule.get("direction") not in ("in", "out", UNKNOWN, None):
            yield "rules", f"{rule['direction']} is not a valid direction. Examine values at '{name}.rules'."
        for key in ("sourceIps", "destinationIps"):
            ranges = rule.get(key)
            for text in ranges if isinstance(ranges, list) else []:
                yield from _range_start(name, text)


def _range_start(name: str, text: Value) -> Iterator[Failure]:
    if text is UNKNOWN or "/" not in str(text):
        return
    try:
        start = ipaddress.ip_interface(text).network
    except ValueError:
        yield "rules", f"invalid CIDR address: {text}. Examine values at '{name}.rules'."
        return
    if str(start) != text and str(start.network_address) != text.split("/")[0]:
        yield "rules", f"{text} is not the start of the cidr block {start}. Examine values at '{name}.rules'."


def spread_only(name: str, inputs: Properties) -> Iterator[Failure]:
    """Know one type of placement group."""
    if inputs.get("type") not in ("spread", UNKNOWN, None):
        yield "type", f"{inputs['type']} is not a valid placement group type. Examine values at '{name}.type'."


def no_datacenter(name: str, inputs: Properties) -> Iterator[Failure]:
    """Refuse the attribute that was removed from the cloud."""
    if "datacenter" in inputs:
        yield (
            "datacenter",
            (
                "Removed Attribute. The datacenter attribute is marked for removal, you must use the location "
                "attribute instead. "
                "See https://docs.hetzner.cloud/changelog#2026-07-01-removing-datacenters.. "
                f"Examine values at '{name}.datacenter'."
            ),
        )


def ssh_keys(name: str, inputs: Properties) -> Iterator[Failure]:
    """Refuse empty key names."""
    keys = inputs.get("sshKeys")
    for index, key in enumerate(keys if isinstance(keys, list) else []):
        if key == "":
            yield (
                "sshKeys",
                (
                    "Invalid ssh key passed. You need to pass a string with at least 1 character. "
                    f"Examine values at '{name}.sshKeys[{index}]'."
                ),
            )


def network_or_subnet(name: str, inputs: Properties) -> Iterator[Failure]:
    """Demand exactly one of the two; framework resources answer a missing one with an error, not with a failure."""
    given = [key for key in ("networkId", "subnetId") if inputs.get(key) is not None]
    law = "Exactly one of these attributes must be configured: [network_id,subnet_id]"
    if not given:
        raise Refused(f"Missing Attribute Configuration: {law}")
    if len(given) > 1:
        yield "networkId", f"Invalid Attribute Combination. {law}. Examine values at '{name}.networkId'."


def ip_address(name: str, inputs: Properties) -> Iterator[Failure]:
    """Hold an address to its syntax."""
    value = inputs.get("ip")
    if value is None or value is UNKNOWN:
        return
    try:
        ipaddress.ip_address(value)
    except ValueError:
        yield (
            "ip",
            (
                "Invalid IP Address String Value. A string value was provided that is not valid IPv4 or IPv6 string "
                f'format (RFC 791, RFC 4291).\n\nGiven Value: {value}\nError: ParseAddr("{value}"): unable to parse '
                f"IP. Examine values at '{name}.ip'."
            ),
        )


def one_target(name: str, inputs: Properties) -> Iterator[Failure]:
    """Demand a target."""
    arguments = {"serverId": "server_id", "labelSelector": "label_selector", "ip": "ip"}
    if any(inputs.get(key) is not None for key in arguments):
        return
    for key, argument in arguments.items():
        yield (
            key,
            (
                f'Invalid combination of arguments. "{argument}": one of `ip,label_selector,server_id` '
                f"must be specified. Examine values at '{name}.{key}'."
            ),
        )
