"""The fleet's language: what a stack file may say, and what follows from it.

Never an import of pulumi, no clock, no network; what is done with a fleet lives in `components/` (cloud resources)
and `hostops/` (work on hosts). Models, laws and everything derived from them are pure functions. Files are read and
written in files.py, profiles.py, stackfile.py, keys/keystore.py and contract/generated.py only, random numbers are
drawn in keys/pairs.py, and keys/encryption.py runs the Pulumi CLI.
"""

import os

# pydantic looks through all installed distributions for plugins of its own, in each of the many processes that start
# here: a sixth of the time of one. None is wanted: what validates a document is in this repository.
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
