# Made by `tidegate new` from python/package.py; yours to change.
"""Realtime domains, and the gateway that serves them."""
