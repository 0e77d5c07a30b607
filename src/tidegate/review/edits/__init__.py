"""Corrections that several rules make."""
