"""The contract of a gateway, and the documents that tell it to others.

This layer reads namespaces and settings and returns text; it does no I/O and starts nothing.
``docs/topics/contract.md`` tells what is in the documents.
"""

from tidegate.contract.asyncapi import write_asyncapi
from tidegate.contract.json_schema import write_json_schema
from tidegate.contract.model import Contract
from tidegate.contract.reading import declared_events, read_contract
from tidegate.contract.typescript import write_typescript

__all__ = [
    "Contract",
    "declared_events",
    "read_contract",
    "write_asyncapi",
    "write_json_schema",
    "write_typescript",
]
