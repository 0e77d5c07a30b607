# Made by `tidegate new` from python/__init__.py; yours to change.
"""Realtime activity feeds."""

from . import consumer  # which registers what is consumed
from .gateway import activity_feeds

__all__ = ["activity_feeds", "consumer"]
