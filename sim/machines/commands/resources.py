"""kubectl for objects other than nodes: pods, budgets, definitions, and Longhorn's own. Others are refused."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import TYPE_CHECKING, Any

from sim.machines import jsonpath, longhorn
from sim.machines.commands.call import Call, Reply, not_simulated
from sim.machines.objects import BUDGET, DEFINITION, POD, Kind

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sim.machines.objects import Object
    from sim.world import Json

KINDS = (POD, BUDGET, DEFINITION, *longhorn.KINDS)
DENIED = 'The request is invalid: admission webhook "validator.longhorn.io" denied the request: '


def kind_of(word: str) -> Kind | None:
    """The kind that a word means, such as `pods` or `volumes.longhorn.io`; None for one that is not simulated."""
    own = {name: kind for kind in KINDS for name in (kind.full, *kind.short)}
    return own.get(word)


def get(call: Call, document: Object, words: list[str], options: dict[str, str]) -> Reply:
    """`kubectl get KINDS [NAME...]`."""
    names, found, reply = words[1:], [], Reply()
    for word in words[0].split(","):
        kind = kind_of(word)
        if kind is None:
            return not_simulated(call, f"get {word}")
        if missing := _absent(document, kind):
            return missing
        for name in names:
            one = kind.get(document, options.get("n", "default"), name)
            if one is None:
                reply = not_found(kind, name, options)
            else:
                found.append((kind, one))
        if not names:
            found += [(kind, one) for one in kind.all(document) if _wanted(kind, one, options)]
    return _show(call, found, options, single=len(names) == 1) if reply.status == 0 else reply


def _absent(document: Object, kind: Kind) -> Reply | None:
    """How kubectl says that a cluster has no such kind."""
    if kind in longhorn.KINDS and not longhorn.installed(document):
        return Reply(1, err=f'error: the server doesn\'t have a resource type "{kind.plural}"\n')
    return None


def not_found(kind: Kind, name: str, options: dict[str, str]) -> Reply:
    """How kubectl says that there is no object of that name."""
    if options.get("ignore-not-found") == "true":
        return Reply()
    return Reply(1, err=f'Error from server (NotFound): {kind.full} "{name}" not found\n')


def _wanted(kind: Kind, found: Object, options: dict[str, str]) -> bool:
    metadata = found["metadata"]
    everywhere = not kind.namespaced or "A" in options or "all-namespaces" in options
    if not everywhere and metadata.get("namespace") != options.get("n", "default"):
        return False
    field, _, value = options.get("field-selector", "").partition("=")
    if field and field != "spec.nodeName":
        raise ValueError(f"field selector {field} is not simulated")
    labels = (part.partition("=") for part in options.get("l", options.get("selector", "")).split(",") if part)
    return (not field or found["spec"].get("nodeName") == value) and all(
        metadata["labels"].get(name) == wanted.lstrip("=") for name, _, wanted in labels
    )


def _show(call: Call, found: list[tuple[Kind, Object]], options: dict[str, str], *, single: bool) -> Reply:
    form = options.get("o", "")
    if single and not found:
        return Reply()
    plain: Json = [one for _, one in found]
    answer = plain[0] if single else {"apiVersion": "v1", "kind": "List", "items": plain}
    if form == "json":
        return Reply(out=json.dumps(answer, indent=1) + "\n")
    if form == "name":
        return Reply(out="".join(f"{kind.singular}/{one['metadata']['name']}\n" for kind, one in found))
    if form.startswith("jsonpath="):
        return Reply(out=jsonpath.render(form.removeprefix("jsonpath="), answer))
    return not_simulated(call, f"get with output {form or 'as a table'}")


def merge(target: Json, patch: Json) -> Json:
    """A JSON merge patch (RFC 7386)."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merge(result.get(name), value)
    return result


def patched(call: Call, found: Object, options: dict[str, str]) -> Object | Reply:
    """An object with a merge patch in it; a reply where kubectl takes the patch for none."""
    if options.get("type") != "merge":
        return not_simulated(call, f"patch of type {options.get('type', 'strategic')}")
    try:
        patch: Any = json.loads(options.get("p", options.get("patch", "")))
    except ValueError:
        return Reply(1, err='error: unable to parse "' + options.get("p", "") + '": yaml: invalid\n')
    result: Object = merge(found, patch)
    return result


def change(call: Call, cluster: str, words: list[str], options: dict[str, str]) -> Reply | None:
    """`patch` and `delete` of the kinds that are known here; None for what is another's."""
    verb, word = words[0], words[1] if len(words) > 1 else ""
    kind = kind_of(word)
    if verb not in ("patch", "delete") or kind is None:
        return None
    with call.host.site.world.edit(cluster) as document:
        if missing := _absent(document, kind):
            return missing
        work = _patch if verb == "patch" else _delete
        done, refused = work(call, document, kind, words[2:], options)
    call.host.site.world.record(call.host.name, f"kubectl {verb} {kind.full}", " ".join(words[2:]))
    return Reply(1 if refused else 0, out=done, err=refused)


def _patch(call: Call, document: Object, kind: Kind, names: Iterable[str], options: dict[str, str]) -> tuple[str, str]:
    done = ""
    for name in names:
        found = kind.get(document, options.get("n", "default"), name)
        if found is None:
            return done, not_found(kind, name, {}).err
        after = patched(call, found, options)
        if isinstance(after, Reply):
            return done, after.err
        if kind is longhorn.NODE and (reason := longhorn.refuses_change(after)):
            return done, f"{DENIED}{reason}\n"
        note = " (no change)" if after == found else ""
        found.clear()
        found.update(deepcopy(after))
        done += f"{kind.singular}/{name} patched{note}\n"
    return done, ""


def _delete(
    _call: Call, document: Object, kind: Kind, names: Iterable[str], options: dict[str, str]
) -> tuple[str, str]:
    done = ""
    for name in names:
        found = kind.get(document, options.get("n", "default"), name)
        if found is None:
            if refused := not_found(kind, name, options).err:
                return done, refused
            continue
        if kind is longhorn.NODE and (reason := longhorn.refuses_deletion(document, found)):
            return done, f"{DENIED}{reason}\n"
        kind.remove(document, found)
        place = f" from {options.get('n', 'default')} namespace" if kind.namespaced else ""
        done += f'{kind.singular} "{name}" deleted{place}\n'
    return done, ""
