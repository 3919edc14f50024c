"""Notebooks whose cells run in a microVM of their own."""

__version__ = "0.1.0"
