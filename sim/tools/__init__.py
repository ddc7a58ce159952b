"""Doubles of the tools that need Nix. They use the real ssh on PATH, and refuse what they do not simulate."""
