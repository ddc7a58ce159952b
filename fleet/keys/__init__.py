"""The fleet's keys: made, encrypted, kept in the stack file, turned; and who may read what."""
