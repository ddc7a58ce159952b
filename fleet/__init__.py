"""The fleet's language: what a stack file may say, and what follows from it.

Pure: no clock, no network, no environment, and never an import of pulumi. What is done with a fleet lives in
`components/` (cloud resources) and `hostops/` (work on hosts).
"""
