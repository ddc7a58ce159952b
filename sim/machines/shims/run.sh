#!/usr/bin/env bash
# Simulated nixfleet-run: root's shell on the script that comes on standard input.
exec sh -s
