"""The project model: built first, from all files; rules only read it."""

from __future__ import annotations

from tidegate.review.model.build import Model, build
from tidegate.review.model.declarations import Class, Decorator, Function, Import, Parameter
from tidegate.review.model.parts import (
    Adapter,
    BrokerOptions,
    ClientSocket,
    Consumer,
    Gateway,
    Handler,
    Middleware,
    Module,
    Queue,
    SocketServer,
)
from tidegate.review.model.project import Project

__all__ = [
    "Adapter",
    "BrokerOptions",
    "Class",
    "ClientSocket",
    "Consumer",
    "Decorator",
    "Function",
    "Gateway",
    "Handler",
    "Import",
    "Middleware",
    "Model",
    "Module",
    "Parameter",
    "Project",
    "Queue",
    "SocketServer",
    "build",
]
