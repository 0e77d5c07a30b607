"""From parsed files to the model that rules read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tidegate.review.diagnostic import Note
from tidegate.review.model import (
    brokers_amqp,
    brokers_nest,
    client_sockets,
    nest,
    node_sockets,
    python_sockets,
    queues,
    tidegate_apps,
    web_sockets,
)
from tidegate.review.model.parts import (
    Adapter,
    BrokerOptions,
    ClientSocket,
    Consumer,
    Gateway,
    Middleware,
    Module,
    Queue,
    SocketServer,
)
from tidegate.review.model.project import Project
from tidegate.review.source import SourceFile

__all__ = ["Model", "build"]


@dataclass(eq=False)
class Model:
    """Everything realtime in a project; tests are left out.

    Attributes:
        project: Resolves names, and follows calls across files.
        judged: What a rule's helper knows of a function, so that many gateways ask once.
        files: The files with realtime code, for rules that look at calls rather than at parts.
        found: What a rule's helper found in the whole project, so that many rules ask once.
    """

    project: Project
    files: list[SourceFile] = field(default_factory=list)
    gateways: list[Gateway] = field(default_factory=list)
    servers: list[SocketServer] = field(default_factory=list)
    middlewares: list[Middleware] = field(default_factory=list)
    adapters: list[Adapter] = field(default_factory=list)
    modules: list[Module] = field(default_factory=list)
    broker_options: list[BrokerOptions] = field(default_factory=list)
    consumers: list[Consumer] = field(default_factory=list)
    queues: list[Queue] = field(default_factory=list)
    clients: list[ClientSocket] = field(default_factory=list)
    plain_clients: list[ClientSocket] = field(default_factory=list)
    judged: dict[object, Any] = field(default_factory=dict)
    found: dict[str, Any] = field(default_factory=dict)

    def app_of(self, file: SourceFile) -> str:
        """Return the folder of the application that a file belongs to."""
        return nest.app_of(self.project, file)


def build(project: Project) -> Model:
    """Return the model; a file that can't be understood is left out with a note."""
    model = Model(project)
    for file in project.realtime_files:
        try:
            _take_in(model, file)
        except Exception as error:  # foreign code must not end a review
            project.notes.append(Note(file.name, f"can't be understood: {type(error).__name__}"))
        else:
            model.files.append(file)
    is_rabbit = bool(model.broker_options)
    for file in model.files:
        if not file.is_python:
            model.consumers += brokers_nest.consumers(
                project, file, model.broker_options, is_rabbit=is_rabbit
            )
    return model


def _take_in(model: Model, file: SourceFile) -> None:
    project = model.project
    model.consumers += brokers_amqp.consumers(project, file)
    model.queues += queues.queues(project, file)
    if file.is_python:
        model.gateways += python_sockets.gateways(project, file)
        model.gateways += tidegate_apps.gateways(project, file)
        model.servers += python_sockets.servers(project, file)
        return
    model.gateways += nest.gateways(project, file)
    model.gateways += node_sockets.gateways(project, file)
    model.gateways += web_sockets.gateways(project, file)
    model.servers += node_sockets.servers(project, file)
    model.middlewares += node_sockets.middlewares(project, file)
    model.adapters += nest.adapters(project, file)
    model.modules += nest.modules(project, file)
    model.broker_options += brokers_nest.broker_options(project, file)
    model.clients += client_sockets.clients(project, file)
    model.plain_clients += client_sockets.plain_clients(project, file)
