"""`make comment`: puts a plan on its pull request, as one comment that is edited; GitHub and Forgejo are alike here.

What it is given was made by whoever proposed the change, so it is data: its first line must be the marker, it is cut at
the platform's limit, and which pull request it belongs to is taken from the event alone.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

MARKER = re.compile(r"<!-- nixfleet plan of [a-z0-9-]{1,63} -->")
CHARACTERS = 64_000
PAGE = 50
"""Comments that both forges give at once."""

TIMEOUT_SECONDS = 30


class Refused(Exception):  # noqa: N818 - it is a refusal, with its message
    """What cannot be posted, and why."""


@dataclass(frozen=True, kw_only=True)
class Forge:
    """One repository of a forge."""

    api: str
    """Address of its API, for example `https://api.github.com`."""

    repository: str
    """`owner/name`."""

    token: str = field(repr=False)
    author: str
    """Who posts: a comment of anybody else is not edited, whatever its first line says."""

    def call(self, method: str, path: str, body: dict[str, str] | None = None) -> Any:  # noqa: ANN401 - JSON
        """One call; raises Refused with what the forge said."""
        request = urllib.request.Request(  # noqa: S310 - the address is the forge's own
            f"{self.api}/repos/{self.repository}/{path}",
            method=method,
            data=json.dumps(body).encode() if body else None,
            headers={"Authorization": f"token {self.token}", "Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310 - see above
                return json.load(answer)
        except urllib.error.HTTPError as error:
            said = error.read(500).decode(errors="replace")
            cure = "the job needs `pull-requests: write`" if error.code in {401, 403, 404} else "run the job again"
            raise Refused(f"{method} {path}: the forge answered {error.code}: {said}; {cure}") from None
        except urllib.error.URLError as error:
            raise Refused(f"{method} {path}: no answer of {self.api}: {error.reason}; run the job again") from None

    def pages(self, path: str) -> list[Any]:
        """All of a list that comes in pages."""
        found: list[Any] = []
        joint = "&" if "?" in path else "?"
        while len(part := self.call("GET", f"{path}{joint}limit={PAGE}&per_page={PAGE}&page={len(found) // PAGE + 1}")):
            found += part
            if len(part) < PAGE:
                break
        return found

    def number_of(self, head: str, commit: str) -> int:
        """The open pull request from `owner:branch` at that commit; raises Refused where there is none."""
        query = urllib.parse.urlencode({"state": "open", "head": head})
        for one in self.pages(f"pulls?{query}"):
            if one["head"]["sha"] == commit:
                return int(one["number"])
        raise Refused(f"no open pull request comes from {head} at {commit}: it was closed or pushed to meanwhile")

    def issue(self, title: str, text: str) -> str:
        """Edit our open issue of that title, or open it; what was done."""
        for one in self.pages("issues?state=open"):
            if one["user"]["login"] == self.author and one["title"] == title and not one.get("pull_request"):
                self.call("PATCH", f"issues/{one['number']}", {"body": text})
                return "edited"
        self.call("POST", "issues", {"title": title, "body": text})
        return "opened"

    def post(self, number: int, text: str) -> str:
        """Edit our comment in place, or make it; what was done."""
        marker = text.partition("\n")[0]
        for one in self.pages(f"issues/{number}/comments"):
            if one["user"]["login"] == self.author and one["body"].partition("\n")[0].rstrip() == marker:
                self.call("PATCH", f"issues/comments/{one['id']}", {"body": text})
                return "edited"
        self.call("POST", f"issues/{number}/comments", {"body": text})
        return "made"


def text_of(path: Path) -> str:
    """The comment in a file; raises Refused where it is none of ours."""
    text = path.read_text(encoding="utf-8", errors="replace")
    if not MARKER.fullmatch(text.partition("\n")[0]):
        raise Refused(f"{path.name} does not begin with the marker of a plan; nothing was posted")
    return text if len(text) <= CHARACTERS else f"{text[:CHARACTERS]}\n\n_cut_\n"


def forge_of(told: Mapping[str, str]) -> Forge:
    """The repository that the workflow runs for; raises Refused where something of it is not told."""
    missing = [name for name in ("GITHUB_API_URL", "GITHUB_REPOSITORY", "FORGE_TOKEN") if not told.get(name)]
    if missing:
        raise Refused(f"not set: {', '.join(missing)}; a workflow of GitHub or Forgejo sets them")
    return Forge(
        api=told["GITHUB_API_URL"],
        repository=told["GITHUB_REPOSITORY"],
        token=told["FORGE_TOKEN"],
        author=told.get("FORGE_AUTHOR", "github-actions[bot]"),
    )


def number(forge: Forge, told: Mapping[str, str]) -> int:
    """The pull request that the event names; raises Refused where it names none."""
    if told.get("PULL_NUMBER", "").isdigit():
        return int(told["PULL_NUMBER"])
    if told.get("PULL_HEAD") and told.get("PULL_COMMIT"):
        return forge.number_of(told["PULL_HEAD"], told["PULL_COMMIT"])
    raise Refused("no pull request is named: set PULL_NUMBER, or PULL_HEAD (owner:branch) and PULL_COMMIT")


def report(forge: Forge, title: str, folder: Path, told: Mapping[str, str]) -> None:
    """Open or edit the issue of a failed check, with what the check left in `folder`, or with where to look."""
    run = f"{told.get('GITHUB_SERVER_URL', '')}/{forge.repository}/actions/runs/{told.get('GITHUB_RUN_ID', '')}"
    left = [text_of(path) for path in sorted(folder.rglob("*.md"))]
    print(f"issue: {forge.issue(title, chr(10).join((*left, f'The run: {run}')))}")


def main(argv: list[str], told: Mapping[str, str]) -> int:
    """Post every file of a folder on a pull request, or with ISSUE_TITLE as an issue; 1 where one could not be posted.

    What the event says comes by the environment: a branch may have any name, and no shell and no make reads it there.
    """
    parser = argparse.ArgumentParser(prog="tools/comment.py", description="Put plans on a pull request.")
    parser.add_argument("folder", type=Path, help="the folder whose *.md files are posted")
    options = parser.parse_args(argv)
    try:
        forge = forge_of(told)
        if title := told.get("ISSUE_TITLE"):
            report(forge, title, options.folder, told)
            return 0
        found = number(forge, told)
        for path in sorted(options.folder.rglob("*.md")):
            print(f"{path.stem}: {forge.post(found, text_of(path))}")
    except Refused as error:
        print(f"comment: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
