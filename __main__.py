"""The program: read the stack's documents, build what they describe, export what others may know."""

from components.inputs import load
from components.outputs import export
from components.site import build

inputs = load()
export(inputs, build(inputs))
