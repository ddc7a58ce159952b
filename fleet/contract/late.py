"""What `hostops` tells the program of hosts that a run left out, because they were off before it began."""

from __future__ import annotations

WORD = "NIXFLEET_LATE_WORD"
"""Where the program hands such a word on, with the environment of the host's switch."""

LATE = "late"
"""In the answer of `hostops switch`: a word that is another one each time the host is left out. In that of `hostops
mesh`: such words by host."""
