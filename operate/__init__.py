"""Drives the real engine through its Automation API and says what happened.

What is deployed is the program's matter.
"""
