"""The parts of a realtime project that rules look at, the same for all frameworks."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from tidegate.review.model.declarations import Class, Decorator, Function
from tidegate.review.source import Call, Node, SourceFile

__all__ = [
    "Adapter",
    "BrokerOptions",
    "ClientSocket",
    "Consumer",
    "Framework",
    "Gateway",
    "Handler",
    "HandlerKind",
    "Middleware",
    "Module",
    "Queue",
    "SocketServer",
]

Framework = Literal[
    "nest", "socket.io", "python-socketio", "flask-socketio", "websocket", "channels", "tidegate"
]
HandlerKind = Literal["connect", "disconnect", "init", "message"]


@dataclass(eq=False)
class Handler:
    """A function that runs for a client.

    Attributes:
        event: What it hears; empty for connect and the like, None if it is not a literal.
        socket: Name of the parameter that is the socket, or its sid; empty if there is none.
        payload: Names of the parameters that hold what the client sent.
    """

    kind: HandlerKind
    event: str | None
    function: Function
    socket: str = ""
    payload: tuple[str, ...] = ()


@dataclass(eq=False)
class Gateway:
    """What clients connect to: a Nest gateway, a Socket.IO namespace, a WebSocket endpoint.

    Attributes:
        node: What to point at: the class's name, the call that listens, the endpoint's name.
        namespace: None if it is not a literal.
        servers: The server as written in its code: ``this.server``, ``io``, ``sio``.
        guards: ``@UseGuards`` on the class (Nest).
        options: Of the decorator or the server, as far as they are written in the code.
        is_complete: All base classes and handlers were found.
        app: Folder of the application it belongs to.
        port: As written in the decorator; empty for the application's own (Nest).
        holder: The literal that an option can be added to, if there is one.
    """

    framework: Framework
    node: Node
    name: str
    namespace: str | None
    handlers: list[Handler] = field(default_factory=list)
    servers: set[str] = field(default_factory=set)
    guards: list[Decorator] = field(default_factory=list)
    options: dict[str, Node] = field(default_factory=dict)
    owner: Class | None = None
    call: Call | None = None
    is_complete: bool = True
    app: str = ""
    port: str = ""
    holder: Node | None = None

    @property
    def file(self) -> SourceFile:
        """Return the file it is in."""
        return self.node.file

    def of_kind(self, *kinds: HandlerKind) -> list[Handler]:
        """Return its handlers of some kinds."""
        return [handler for handler in self.handlers if handler.kind in kinds]


@dataclass(eq=False)
class Adapter:
    """A Nest adapter that an application uses; ``owner`` is None if its class is not here."""

    call: Call
    name: str
    owner: Class | None
    app: str


@dataclass(eq=False)
class SocketServer:
    """A Socket.IO server that is made: ``new Server(http, options)``, ``AsyncServer(…)``.

    Attributes:
        name: As its code calls it, such as ``io`` or ``this.io``; empty if not known.
        options: By name; ``...`` if some are unknown; None if nothing is known of them.
        holder: The literal that an option can be added to, if there is one.
    """

    framework: Framework
    call: Call
    name: str
    options: dict[str, Node] | None
    app: str
    holder: Node | None = None


@dataclass(eq=False)
class Middleware:
    """``io.use(fn)``, ``namespace.use(fn)``, in adapters and gateways too.

    Attributes:
        namespace: None if it is not known, or all.
        function: None if it is not in the project.
    """

    call: Call
    namespace: str | None
    function: Function | None
    app: str


@dataclass(eq=False)
class Module:
    """A Nest module: names in ``imports``, ``providers``, ``controllers``, ``exports``.

    Attributes:
        unknown: The lists that are not wholly known; ``...`` if the module's data are not.
    """

    owner: Class
    lists: dict[str, list[str]]
    is_complete: bool = True
    unknown: set[str] = field(default_factory=set)


@dataclass(eq=False)
class BrokerOptions:
    """How a Nest application consumes from RabbitMQ.

    Attributes:
        no_ack: None if it can't be known; the default of Nest is true.
        options: By name; ``...`` if some are spread in.
    """

    call: Call
    no_ack: bool | None
    options: dict[str, Node]
    app: str


@dataclass(eq=False)
class Consumer:
    """A function that gets messages from a broker.

    Attributes:
        pattern: Queue or pattern; None if it is not a literal.
        is_manual: Its messages must be acknowledged by code; None if that can't be known.
        message: Name of the parameter that is the message, or the context (Nest).
        options: Keyword arguments or the object given when it was registered.
        queue: What names the queue, or holds it.
        replies: What it returns is sent to the caller.
    """

    framework: Literal["nest", "golevelup", "amqplib", "aio-pika", "pika", "faststream"]
    node: Node
    function: Function
    pattern: str | None
    is_manual: bool | None
    message: str = ""
    options: dict[str, Node] = field(default_factory=dict)
    app: str = ""
    queue: Node | None = None
    replies: bool = False

    @property
    def file(self) -> SourceFile:
        """Return the file it is in."""
        return self.node.file


@dataclass(eq=False)
class Queue:
    """A queue that is declared, by a consumer or by a publisher.

    Attributes:
        node: The call or the options that declare it.
        name: None if the broker names it.
        holder: What the declared queue is assigned to (aio-pika), or empty.
        is_durable, is_exclusive, is_auto_delete: None if that is computed.
        has_dead_letter: Messages that are refused go to another exchange; None if not known.
        durable: Where the durability is written, if it is.
        settings: Where options are written: an object, or a call's arguments; None if nowhere.
    """

    framework: Literal["nest", "golevelup", "amqplib", "aio-pika", "pika", "faststream"]
    node: Node
    name: Node | None
    holder: str
    is_durable: bool | None
    is_exclusive: bool | None
    is_auto_delete: bool | None
    has_dead_letter: bool | None
    durable: Node | None = None
    settings: Node | None = None
    app: str = ""


@dataclass(eq=False)
class ClientSocket:
    """A client socket that is made: Socket.IO's, or a plain WebSocket of a browser.

    Attributes:
        options: None if they are not literal; ``...`` among them if some are spread in.
        name: As its code calls it, such as ``socket`` or ``socketRef.current``.
        function: The function around, such as an effect or a component; None at the top level.
        holder: A literal to which an option can be added.
    """

    call: Call
    url: Node | None
    options: dict[str, Node] | None
    name: str
    function: Node | None
    kind: Literal["socket.io", "websocket"] = "socket.io"
    holder: Node | None = None

    @property
    def file(self) -> SourceFile:
        """Return the file it is in."""
        return self.call.file
