"""The page in a real browser: what axe-core finds, what does not fit, and which texts of the picture are covered."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tarfile
from html import unescape
from pathlib import Path
from typing import Any

AXE = "axe-core@4.14.1"
BROWSERS = ("chromium-headless-shell", "chromium", "google-chrome")

MEASURE = """
const said = await axe.run(document, {runOnly: ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa", "best-practice"]});
const seen = [...document.querySelectorAll("svg.topology")].filter(one => one.getBoundingClientRect().width > 0);
const texts = seen.flatMap(one => [...one.querySelectorAll("text")]).map(one => [one.textContent, one.getBBox()]);
const covered = [];
texts.forEach(([a, p], i) => texts.slice(i + 1).forEach(([b, q]) => {
  if (p.x < q.x + q.width && q.x < p.x + p.width && p.y + 1 < q.y + q.height && q.y + 1 < p.y + p.height)
    covered.push(a + " / " + b);
}));
return {
  violations: said.violations.map(one => one.id + ": " + one.nodes.map(node => node.html.slice(0, 120)).join(" | ")),
  undecided: said.incomplete.flatMap(one => one.nodes
    .filter(node => !node.target.join(" ").includes("svg") && !node.html.startsWith("<text"))
    .map(node => one.id + ": " + node.html.slice(0, 120))),
  rules: said.passes.length,
  pictures: seen.length,
  texts: texts.length,
  covered: covered,
  sideways: document.documentElement.scrollWidth - document.documentElement.clientWidth,
  dark: matchMedia("(prefers-color-scheme: dark)").matches,
  width: innerWidth,
};
"""


def browser() -> str | None:
    """A browser that needs no screen."""
    return next((found for name in BROWSERS if (found := shutil.which(name))), None)


def axe() -> Path | None:
    """axe-core's one file, fetched once into the user's cache; None where neither cache nor npm has it."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "nixfleet" / AXE.replace("@", "-")
    path = cache / "axe.min.js"
    if path.is_file():
        return path
    npm = shutil.which("npm")
    if npm is None:
        return None
    cache.mkdir(parents=True, exist_ok=True)
    packed = subprocess.run([npm, "pack", AXE, "--silent"], cwd=cache, capture_output=True, text=True, check=False)
    if packed.returncode:
        return None
    with tarfile.open(cache / packed.stdout.split()[-1]) as tar:
        member = tar.extractfile("package/axe.min.js")
        assert member
        path.write_bytes(member.read())
    return path


def measured(page: str, folder: Path, *, width: int, dark: bool) -> dict[str, Any]:
    """What the browser says of a page, so wide and in that scheme."""
    program, script = browser(), axe()
    assert program
    assert script
    probe = f"(async () => {{{MEASURE}}})().then(found => {{document.title = 'done';"
    probe += "const said = document.createElement('pre'); said.id = 'said'; said.textContent = JSON.stringify(found);"
    probe += "document.body.append(said)})"
    injected = f"<script>{script.read_text(encoding='utf-8')}</script><script>{probe}</script></body>"
    path = folder / f"{width}-{dark}.html"
    path.write_text(page.replace("</body>", injected), encoding="utf-8")
    done = subprocess.run(
        [
            program,
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            f"--user-data-dir={folder / 'profile'}",
            f"--blink-settings=preferredColorScheme={0 if dark else 1}",
            f"--window-size={width},1000",
            "--virtual-time-budget=20000",
            "--dump-dom",
            path.as_uri(),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    found = re.search(r'<pre id="said">(.*?)</pre>', done.stdout, re.DOTALL)
    assert found, done.stderr[-2000:]
    answer: dict[str, Any] = json.loads(unescape(found[1]))
    return answer
