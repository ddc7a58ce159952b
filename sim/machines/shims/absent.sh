#!/bin/sh
# A command that this system does not have, whatever the computer has that simulates it.
echo "sh: ${0##*/}: not found" >&2
exit 127
