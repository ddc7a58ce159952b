"""`make rotate`: new keys for a stack that runs, none by an installation. Killed, it goes on when it is run again.

What each step writes into the stack file is fleet/keys/rotation.py; what happens on hosts is hostops/rotate.py.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING

from fleet import stackfile
from fleet.contract import generated
from fleet.files import read_text
from fleet.keys import pairs
from fleet.keys.authority import authority_hash
from fleet.keys.encryption import environment as process_environment
from fleet.keys.rotation import OF_A_HOST, RENEWED, Rotation, What, with_admin_key, with_deploy_key, with_host
from operate.actions import REBOOTS_WAIT, drive
from operate.hosts import hosts_of
from operate.messages import OperateError
from operate.secretfiles import update_keys

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from operate.engine import Place
    from operate.hosts import Hosts

ROTATE_WORDS = {
    "WHAT": ", ".join(What),
    "HOST": "the host, with hostkey and wireguard",
    "SEEN": "fingerprint of the host key that it has, read at its console, with hostkey where it has lost its own",
    "ADMIN": "USER/DEVICE, with admin",
    "KEY": "file with the new public key, with admin",
}


def rotate(place: Place, words: Mapping[str, str]) -> int:
    """Rotate one thing; 1 when the engine failed, and the same command goes on from there; 8 as after `make up`."""
    what = _what(words)
    subject = words.get("HOST" if what in OF_A_HOST else "ADMIN", "")
    rotation = Rotation(
        stack=place.stack,
        root=place.folder,
        environment={**process_environment(), **place.variables()},
        what=what,
        subject=subject,
    )
    _check(rotation, subject)
    if not rotation.begun:
        BEGIN[what](rotation, words)
    BRING.get(what, _nothing)(place, rotation, words)
    _write_generated(place, rotation)
    code = drive("up", place)
    if code not in (0, REBOOTS_WAIT):
        return code
    FINISH.get(what, _nothing)(place, rotation, words)
    rotation.end()
    print(f"\nrotated: {what}{f' of {subject}' if subject else ''}; commit what changed: git status")
    return code


def _what(words: Mapping[str, str]) -> What:
    try:
        return What(words.get("WHAT", ""))
    except ValueError:
        raise OperateError(f"WHAT={words.get('WHAT', '')}: name one of {', '.join(What)}") from None


def _check(rotation: Rotation, subject: str) -> None:
    hosts = stackfile.load(rotation.stack, rotation.root).fleet.hosts
    if rotation.what in OF_A_HOST and subject not in hosts:
        raise OperateError(f"HOST={subject}: name one of {', '.join(sorted(hosts))}")


def _nothing(_place: Place, _rotation: Rotation, _words: Mapping[str, str]) -> None:
    """Some rotations have nothing to do there."""


def _begin_hostkey(rotation: Rotation, _: Mapping[str, str]) -> None:
    fresh = pairs.another_host_key(rotation.host_keys(rotation.own))
    rotation.begin({rotation.next: pairs.as_secret(fresh)})


def _begin_wireguard(rotation: Rotation, _: Mapping[str, str]) -> None:
    fresh = pairs.another_wireguard_key(rotation.host_keys(rotation.own))
    identities = with_host(rotation.identities(), rotation.subject, fresh)
    rotation.begin({rotation.own: pairs.as_secret(fresh)}, identities=identities)


def _begin_tokens(rotation: Rotation, _: Mapping[str, str]) -> None:
    rotation.begin({rotation.next: pairs.as_secret(pairs.other_tokens(rotation.cluster_keys()))})


def _begin_deploykey(rotation: Rotation, _: Mapping[str, str]) -> None:
    fresh = pairs.another_deploy_key(rotation.cluster_keys())
    rotation.begin({rotation.own: pairs.as_secret(fresh)}, identities=with_deploy_key(rotation.identities(), fresh))


def _begin_kubeconfig(rotation: Rotation, _: Mapping[str, str]) -> None:
    rotation.begin({})


def _begin_admin(rotation: Rotation, words: Mapping[str, str]) -> None:
    fleet = stackfile.load(rotation.stack, rotation.root).fleet
    user, _, device = rotation.subject.partition("/")
    known = [f"{name}/{one}" for name, person in sorted(fleet.users.items()) for one in sorted(person.keys)]
    if rotation.subject not in known:
        raise OperateError(f"ADMIN={rotation.subject}: name one of {', '.join(known)}")
    try:
        new = Path(words.get("KEY", "")).expanduser().read_text(encoding="utf-8").strip()
    except OSError:
        raise OperateError("KEY=: name the file with the new public key, for example ~/.ssh/id_ed25519.pub") from None
    rotation.begin({}, text=with_admin_key(read_text(rotation.path), fleet.users[user].keys[device], new))


BEGIN: dict[What, Callable[[Rotation, Mapping[str, str]], None]] = {
    What.HOSTKEY: _begin_hostkey,
    What.WIREGUARD: _begin_wireguard,
    What.TOKENS: _begin_tokens,
    What.DEPLOYKEY: _begin_deploykey,
    What.KUBECONFIG: _begin_kubeconfig,
    What.ADMIN: _begin_admin,
}


def _bring_hostkey(place: Place, rotation: Rotation, words: Mapping[str, str]) -> None:
    if rotation.taken:
        return
    fresh = rotation.host_keys(rotation.next)
    with hosts_of(place) as hosts:
        hosts.call(
            "hostkey",
            host=rotation.subject,
            secrets={"hostKey": fresh.host_key},
            settings={"NIXFLEET_SEEN": words.get("SEEN", "")},
        )
    identities = with_host(rotation.identities(), rotation.subject, fresh)
    rotation.settle({rotation.own: pairs.as_secret(fresh)}, identities)


def _with_authority(hosts: Hosts, keys: pairs.ClusterKeys) -> pairs.ClusterKeys:
    """Keys of before authorities, with the one that the cluster runs with: the new tokens name it."""
    told = json.loads(hosts.call("authority"))
    try:
        authority_hash(told["authority"])
    except ValueError:
        print("the cluster's authority is a chain of certificates: tokens do not name it, and joins do not check it")
        return keys
    return keys.model_copy(update={"authority": told["authority"], "authority_key": told["authorityKey"]})


def _bring_tokens(place: Place, rotation: Rotation, _: Mapping[str, str]) -> None:
    if rotation.taken:
        return
    former, fresh = rotation.cluster_keys(), rotation.cluster_keys(rotation.next)
    with hosts_of(place) as hosts:
        if not fresh.authority:
            fresh = _with_authority(hosts, fresh)
            rotation.begin({rotation.next: pairs.as_secret(fresh)})
        hosts.call(
            "tokens",
            secrets={
                "serverToken": fresh.server_token,
                "agentToken": fresh.agent_token,
                "formerServerToken": former.server_token,
                **pairs.authority_of(fresh),
            },
        )
    rotation.settle({rotation.own: pairs.as_secret(fresh)})


def _bring_certificates(place: Place, rotation: Rotation, _: Mapping[str, str]) -> None:
    with hosts_of(place) as hosts:
        hosts.call("certificates")
    # The engine fetches the administrator's when this word is another one.
    rotation.note(RENEWED, time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()))


BRING: dict[What, Callable[[Place, Rotation, Mapping[str, str]], None]] = {
    What.HOSTKEY: _bring_hostkey,
    What.TOKENS: _bring_tokens,
    What.KUBECONFIG: _bring_certificates,
}


def _forget_former(place: Place, rotation: Rotation, _: Mapping[str, str]) -> None:
    """Once every host lets the new deploy key in, alone, the former one is worth nothing."""
    own = rotation.cluster_keys()
    alone = own.model_copy(update={"former_deploy_key": ""})
    with hosts_of(place) as hosts:
        hosts.call("status", secrets={"formerDeployKey": ""})
    rotation.settle({rotation.own: pairs.as_secret(alone)})


FINISH: dict[What, Callable[[Place, Rotation, Mapping[str, str]], None]] = {What.DEPLOYKEY: _forget_former}


def _write_generated(place: Place, rotation: Rotation) -> None:
    """Contract, known_hosts and .sops.yaml, and the users' secrets for those who may read them now."""
    stack = stackfile.load(rotation.stack, rotation.root)
    named = place.environment.get("NIXFLEET_CONTRACTS") or process_environment().get("NIXFLEET_CONTRACTS")
    folder = Path(named) if named else rotation.root / generated.CONTRACTS
    files = {**generated.contract_file(stack, folder), **generated.known_hosts_file(stack, folder)}
    for path in generated.write({**files, **generated.sops_file(rotation.root)}):
        print(f"wrote {path}")
    own = rotation.cluster_keys()
    for path in update_keys(rotation.root, rotation.stack, (own.deploy_key, own.former_deploy_key)):
        print(f"encrypted {path} to those who may read it now")
