"""The command line; one place turns errors into exit codes.

0: done. 1: it failed while running. 2: the settings or the call were wrong.
"""

from tidegate.cli.main import main

__all__ = ["main"]
