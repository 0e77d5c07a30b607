# Made by `tidegate new` from python/__init__.py; yours to change.
"""Realtime notifications."""

from . import consumer  # which registers what is consumed
from .gateway import notifications

__all__ = ["consumer", "notifications"]
