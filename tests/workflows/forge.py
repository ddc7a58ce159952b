"""A forge on loopback: the few calls of GitHub's and Forgejo's API that a comment needs."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator

OWN = "github-actions[bot]"


@dataclass
class Forge:
    """What the forge has: pull requests by number, and their comments."""

    pulls: list[dict[str, Any]] = field(default_factory=list)
    comments: dict[int, list[dict[str, Any]]] = field(default_factory=dict)
    issues: list[dict[str, Any]] = field(default_factory=list)
    address: str = ""
    refuses: int = 0
    """The code that every call is answered with; 0: none."""

    tokens: set[str] = field(default_factory=set)

    def say(self, number: int, login: str, body: str) -> None:
        """Somebody comments."""
        every = [one["id"] for comments in self.comments.values() for one in comments]
        self.comments.setdefault(number, []).append(
            {"id": max(every, default=0) + 1, "user": {"login": login}, "body": body}
        )

    def bodies(self, number: int) -> list[str]:
        """The comments of a pull request."""
        return [one["body"] for one in self.comments.get(number, [])]

    def answer(self, method: str, path: str, body: Any) -> tuple[int, Any]:  # noqa: PLR0911 - one for each call
        """One call."""
        url = urlsplit(path)
        asked = {name: values[0] for name, values in parse_qs(url.query).items()}
        parts = url.path.removeprefix("/repos/ada/fleet/").split("/")
        page, limit = int(asked.get("page", 1)), int(asked.get("limit", 30))
        part = slice((page - 1) * limit, page * limit)
        match method, parts:
            case _ if self.refuses:
                return self.refuses, {"message": "Resource not accessible by integration"}
            case "GET", ["pulls"]:
                return 200, [one for one in self.pulls if one["head"]["label"] == asked["head"]][part]
            case "GET", ["issues", number, "comments"]:
                return 200, self.comments.get(int(number), [])[part]
            case "GET", ["issues"]:
                return 200, [one for one in self.issues if one["state"] == asked["state"]][part]
            case "POST", ["issues"]:
                new = {"number": len(self.issues) + 1, "state": "open", "user": {"login": OWN}, **body}
                self.issues.append(new)
                return 201, {}
            case "PATCH", ["issues", number]:
                self.issues[int(number) - 1].update(body)
                return 200, {}
            case "POST", ["issues", number, "comments"]:
                self.say(int(number), OWN, body["body"])
                return 201, {}
            case "PATCH", ["issues", "comments", identifier]:
                every = [one for comments in self.comments.values() for one in comments]
                next(one for one in every if one["id"] == int(identifier))["body"] = body["body"]
                return 200, {}
        return 404, {"message": "Not Found"}


@contextmanager
def running(forge: Forge) -> Iterator[Forge]:
    """Have it answer while the block lasts."""

    class Handler(BaseHTTPRequestHandler):
        def _do(self) -> None:
            forge.tokens.add(self.headers["Authorization"])
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            code, said = forge.answer(self.command, self.path, body)
            data = json.dumps(said).encode()
            self.send_response(code)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_PATCH = _do  # noqa: N815 - the names that the library calls

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    forge.address = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield forge
    finally:
        server.shutdown()
        server.server_close()
