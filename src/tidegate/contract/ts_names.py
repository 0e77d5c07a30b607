"""Names of the generated TypeScript, each given once."""

from __future__ import annotations

import re

from tidegate.errors import ContractError

__all__ = ["Names", "parameter_name", "prefix_of"]

_USED_BY_US = frozenset({"ArrayBuffer", "Record", "Uint8Array"})

_RESERVED = frozenset(
    {
        *("any", "arguments", "await", "boolean", "break", "case", "catch", "class", "const"),
        *("continue", "debugger", "default", "delete", "do", "else", "enum", "eval", "export"),
        *("extends", "false", "finally", "for", "function", "if", "implements", "import", "in"),
        *("instanceof", "interface", "let", "never", "new", "null", "number", "object", "package"),
        *("private", "protected", "public", "return", "static", "string", "super", "switch"),
        *("symbol", "this", "throw", "true", "try", "typeof", "undefined", "unknown", "var"),
        *("void", "while", "with", "yield"),
    }
)


class Names:
    """Hands out names of declarations."""

    def __init__(self) -> None:
        self._owners: dict[str, str] = {}

    def claim(self, name: str, owner: str) -> None:
        """Take a name.

        Args:
            name: Of the declaration.
            owner: What it stands for, for the message.

        Raises:
            ContractError: It is taken, or can't be the name of a type.
        """
        if not re.fullmatch(r"[A-Za-z_$][A-Za-z0-9_$]*", name) or name in _RESERVED:
            raise ContractError(f"{owner} can't be called {name!r} in TypeScript; rename it")
        if name in _USED_BY_US:
            raise ContractError(f"{owner} would hide TypeScript's own {name}; rename it")
        other = self._owners.setdefault(name, owner)
        if other != owner:
            raise ContractError(f"{other} and {owner} would both be called {name}; rename one")


def prefix_of(namespace: str) -> str:
    """Return what the names of a namespace begin with: ``/chat/admin`` is ``ChatAdmin``."""
    words = re.findall(r"[A-Za-z0-9]+", namespace)
    prefix = "".join(word[0].upper() + word[1:] for word in words)
    return f"Namespace{prefix}" if prefix[:1].isdigit() else prefix


def parameter_name(name: str) -> str:
    """Return a Python parameter's name as TypeScript may have it."""
    return f"{name}_" if name in _RESERVED or name == "ack" or not name.isascii() else name
