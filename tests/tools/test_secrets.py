"""No secret in clear anywhere in the repository: every file that git has is read."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

SECRETS = {
    "a private key": r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----\s*\\?n?\s*[A-Za-z0-9+/=]{40}",
    "an age key": r"AGE-SECRET-KEY-1[0-9A-Z]{40,}",
    "a WireGuard private key": r"(?i)private-?_?key['\"]?\s*[:=]\s*['\"]?[A-Za-z0-9+/]{43}=",
    "a token of Hetzner's API": r"(?i)(?:hcloud|hetzner)\S{0,20}token['\"]?\s*[:=]\s*['\"]?[A-Za-z0-9]{64}\b",
    "a key of OVH's API": r"(?i)(?:application|consumer)_?(?:secret|key)['\"]?\s*[:=]\s*['\"][A-Za-z0-9]{16,64}['\"]",
    "an access key of S3": r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b",
    "a key of S3": r"(?i)secret_?access_?key['\"]?\s*[:=]\s*['\"][A-Za-z0-9/+]{40}['\"]",
    "a token of a forge": r"\b(?:gh[pousr]_[A-Za-z0-9]{36}|github_pat_[A-Za-z0-9_]{40,}|glpat-[A-Za-z0-9_-]{20,})",
    "an access token of Pulumi": r"\bpul-[0-9a-f]{40}\b",
    "a token of k3s": r"\bK10[0-9a-f]{64}::\w+:[A-Za-z0-9]{8,}",
    "a JSON Web Token": r"\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{20,}",
    "an address with a password": r"\b[a-z]+://[^/\s:@{}$<>\"']+:[^/\s:@{}$<>\"']{6,}@[\w.-]+",
}

SAMPLES = {
    "a private key": "-----BEGIN OPENSSH PRIVATE" + " KEY-----\n" + "b3Bl" * 12,
    "an age key": "AGE-SECRET" + "-KEY-1" + "Q" * 52,
    "a WireGuard private key": "private" + "Key: " + "A" * 43 + "=",
    "a token of Hetzner's API": "hcloud:" + "token: " + "a1" * 32,
    "a key of OVH's API": "application" + 'Secret: "' + "0a" * 16 + '"',
    "an access key of S3": "AKIA" + "Z" * 16,
    "a key of S3": "aws_secret" + '_access_key = "' + "k" * 40 + '"',
    "a token of a forge": "ghp" + "_" + "x" * 36,
    "an access token of Pulumi": "pul" + "-" + "0f" * 20,
    "a token of k3s": "K10" + "0" * 64 + "::server:" + "f" * 32,
    "a JSON Web Token": "eyJ" + "a" * 12 + ".eyJ" + "b" * 12 + "." + "c" * 30,
    "an address with a password": "https://" + "ada:" + "lovelace1815@example.net",
}


def findings(text: str) -> list[str]:
    return [name for name, pattern in SECRETS.items() if re.search(pattern, text)]


@pytest.mark.parametrize("name", sorted(SECRETS))
def test_each_kind_of_secret_is_found(name: str) -> None:
    assert findings(f"before\n{SAMPLES[name]}\nafter") == [name]


def test_no_file_of_the_repository_has_one() -> None:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    found = {}
    for name in filter(None, listed.decode().split("\0")):
        path = ROOT / name
        if path.is_file() and (kinds := findings(path.read_text(encoding="utf-8", errors="replace"))):
            found[name] = kinds
    assert found == {}
