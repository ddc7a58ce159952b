"""Doubles of the tools that need Nix. They go through the real ssh that is on PATH, and refuse what they do not simulate."""
