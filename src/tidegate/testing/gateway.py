"""A gateway under test: its life within a test, its clients, and the services around it."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping
from contextlib import AsyncExitStack
from ipaddress import IPv4Address
from types import TracebackType
from typing import Any, Self

from tidegate.app.forwards import forwards_of
from tidegate.app.gateway import Gateway
from tidegate.app.settings import Settings
from tidegate.ids import NamespaceName
from tidegate.testing.client import TestClient
from tidegate.testing.client_socket import ClientSocket
from tidegate.testing.deliveries import Deliveries
from tidegate.testing.door import Door
from tidegate.testing.services import Forwarded, MemoryServices, Service
from tidegate.testing.settings import in_memory, make_token
from tidegate.testing.settling import Settling

__all__ = ["TestGateway"]

_FIRST_ADDRESS = IPv4Address("10.0.0.1")


class TestGateway:
    """Runs a gateway in the test's event loop, without network, port, broker or secret.

    ::

        async with TestGateway(gateway) as world:
            ada = await world.connect("/notifications", tenant="acme", user="ada")
            await gateway.tenant("acme").emit(NotificationCreated(id="1", message="hi"))
            created = await ada.receive(NotificationCreated)

    It is the gateway itself that runs, not a stand-in: its door, handlers, authorizers, hub and
    embedded log, as inside an ASGI server. Within the block ``gateway.tenant(...)`` emits;
    afterwards the gateway is stopped and can be started again, here or elsewhere. What its
    settings say of clients holds: limits, claims, origins, intervals. These differ:

    - Tokens are signed with a secret of the block's own; issuer, audience and claims stay. There is
      no leeway: a token ends when it says so. An authenticator of the gateway's own stays, too.
    - The log is embedded and new. Queues have no broker: `deliver` hands in what a service would
      publish. Forwarded events go to functions: ``on_forward``.

    Args:
        gateway: One that does not run.
        settings: In place of the gateway's own, such as ``load_settings().settings`` where
            ``[[bindings]]`` of tidegate.toml are tested. The file is not read unless you do.
        timeout: Seconds for which its methods and its clients' wait, unless they are told.
    """

    __test__ = False  # pytest collects classes that are called Test…

    def __init__(
        self, gateway: Gateway, *, settings: Settings | None = None, timeout: float = 5.0
    ) -> None:
        self.gateway = gateway
        self._settings = in_memory(settings or gateway.settings, secrets.token_hex(32))
        self._timeout = timeout
        self._exits = AsyncExitStack()
        self._services = MemoryServices()
        self._sockets: list[ClientSocket] = []
        self._settling = Settling(gateway)
        self._deliveries: Deliveries | None = None

    async def __aenter__(self) -> Self:
        """Start the gateway.

        Raises:
            RuntimeError: It has started already.
            ConfigError: The settings can't be used.
        """
        gateway = self.gateway
        async with AsyncExitStack() as exits:
            exits.enter_context(gateway.in_memory(self._settings, self._services))
            exits.push_async_callback(gateway.stop)
            await gateway.start()
            self._services.table = forwards_of(
                gateway.namespaces, self._settings, needs_broker=False
            )
            self._deliveries = Deliveries(gateway)
            gateway.open_asgi()
            self._settling.lasting = gateway.tasks
            self._exits = exits.pop_all()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Drop the clients and stop the gateway; an exception of a listener is raised now."""
        self._deliveries = None
        for socket in self._sockets:
            await socket.drop()
        await self._exits.aclose()
        if exc is None:
            self._raise_failures()

    # Clients

    async def connect(
        self,
        namespace: str | None = None,
        *,
        tenant: str | None = None,
        user: str | None = None,
        claims: Mapping[str, Any] | None = None,
        expires_in: float = 3600.0,
        auth: Mapping[str, Any] | None = None,
        origin: str | None = None,
    ) -> TestClient:
        """Return a client that was let in.

        Args:
            namespace: Such as ``/notifications``; may be left out if only one is served.
            tenant: Whom the client's token speaks for, together with ``user``.
            user: See ``tenant``.
            claims: Other claims of the token.
            expires_in: Seconds from now at which the token expires; negative for one that has.
            auth: The client's ``auth`` object, instead of one with such a token: ``{}`` for none,
                ``{"token": "forged"}``, or what an authenticator of your own takes.
            origin: Of the page, to see whether ``settings.origins`` lets it in; None for a client
                that is no browser.

        Raises:
            ConnectError: It was refused; ``code`` says why, as it tells the official client.
            AssertionError: It got no answer in time.
            ValueError: It is not said who connects, or where to.
        """
        door = Door(
            app=self.gateway.asgi(),
            path=self._settings.path,
            address=str(_FIRST_ADDRESS + len(self._sockets)),
            origin=origin,
            namespace=self._namespace(namespace),
            hint=f"served are {self._served()}",
        )
        socket = ClientSocket(door, self._auth(tenant, user, claims, expires_in, auth))
        client = TestClient(socket, timeout=self._timeout)
        self._running()
        self._sockets.append(socket)
        await socket.connect(self._timeout)
        return client

    def token(
        self,
        *,
        tenant: str | None,
        user: str | None,
        claims: Mapping[str, Any] | None = None,
        expires_in: float = 3600.0,
    ) -> str:
        """Return a token that this gateway takes, as ``connect`` makes them.

        Args:
            tenant: None for a token that names none.
            user: None for a token that names none.
            claims: Others; ``jti`` is what ``tenant.revoke(token_id=...)`` goes by.
            expires_in: Seconds from now; negative for a token that has expired.

        Raises:
            ValueError: The gateway has an authenticator of its own, which knows its tokens.
        """
        if self.gateway.has_own_authenticator:
            raise ValueError(
                "the gateway has an authenticator of its own, so only you know what it takes: "
                'give the client auth={"token": ...} instead of tenant, user and claims'
            )
        return make_token(
            self._settings.auth,
            tenant=tenant,
            user=user,
            claims=claims or {},
            expires_in=expires_in,
        )

    # Services

    async def deliver(
        self,
        body: Any,
        *,
        routing_key: str = "",
        exchange: str = "",
        headers: Mapping[str, Any] | None = None,
        properties: Mapping[str, Any] | None = None,
        queue: str | None = None,
    ) -> list[str]:
        """Take a message as from a RabbitMQ queue, by the ``consume`` rules and bindings.

        ::

            message = {"pattern": "notification.created", "data": {"id": "1"}}
            await world.deliver(message, headers={"tenantId": "acme"})

        Args:
            body: As the service publishes it: bytes, or anything with a JSON form.
            routing_key: What a plain message's pattern is.
            exchange: Where it was published.
            headers: AMQP headers.
            properties: The other AMQP properties, such as ``message_id`` and ``content_type``.
            queue: A queue of the settings, whose ``envelope`` then counts; default: any envelope.

        Returns:
            The offsets of the events that it became, which are in the log now; none if it is for
            nobody.

        Raises:
            MessageRejected: It would go to the dead letters; ``reason`` is what their header says.
                The exception of a ``consume`` function is its cause.
            ValueError: There is no such queue.
        """
        return await self._running().deliver(
            body,
            routing_key=routing_key,
            exchange=exchange,
            headers=headers or {},
            properties=properties or {},
            queue=queue,
        )

    def on_forward(self, event: str, service: Service) -> None:
        """Have a function play the service that a client event is forwarded to.

        Until then clients are answered ``unavailable``, as without a queue.

        Args:
            event: The client's event.
            service: A plain function of `Forwarded`; what it returns is the ack, and an exception
                is one of the gateway: ``internal``. ``forwarded`` keeps what it got.
        """
        self._services.functions[event] = service

    @property
    def forwarded(self) -> list[Forwarded]:
        """The messages that services got, in order."""
        return self._services.forwarded

    # Waiting

    async def settle(self, *, timeout: float | None = None) -> None:  # noqa: ASYNC109
        """Return when nothing is under way: what proves that something does *not* happen.

        All that clients have sent is handled then, hooks have run, and all that was emitted has
        arrived. So ``await world.settle(); assert client.events == [...]`` needs no sleep. Tasks
        that your own code has started are not known here.

        Args:
            timeout: Seconds to wait; default: the ``TestGateway``'s.

        Raises:
            AssertionError: A handler, a hook or a CONNECT does not come to its end.
        """
        seconds = self._timeout if timeout is None else timeout
        try:
            async with asyncio.timeout(seconds):
                while not await self._settling.is_settled(self._sockets):
                    pass
        except TimeoutError:
            working = len(self._settling.passing())
            raise AssertionError(
                f"not settled within {seconds:g} s: {working} handlers or hooks are still running; "
                "does one wait for something that this test is still to do?"
            ) from None
        self._raise_failures()

    # Small parts

    def _raise_failures(self) -> None:
        for socket in self._sockets:
            socket.raise_failure()  # as the client's own waits do

    def _running(self) -> Deliveries:
        if self._deliveries is None:
            raise RuntimeError("the gateway does not run: use `async with TestGateway(gateway)`")
        return self._deliveries

    def _namespace(self, name: str | None) -> NamespaceName:
        names = list(self.gateway.namespaces)
        if name is None and len(names) == 1:
            name = names[0]
        if name is None:
            raise ValueError(
                f"say which namespace the client connects to; served are {self._served()}"
            )
        return NamespaceName(name)

    def _served(self) -> str:
        return ", ".join(sorted(self.gateway.namespaces)) or "none"

    def _auth(
        self,
        tenant: str | None,
        user: str | None,
        claims: Mapping[str, Any] | None,
        expires_in: float,
        auth: Mapping[str, Any] | None,
    ) -> Mapping[str, Any]:
        if auth is not None:
            if tenant is not None or user is not None or claims is not None:
                raise ValueError("`auth` is all that the client presents; leave out the others")
            return auth
        if tenant is None or user is None:
            raise ValueError(
                "say who connects: tenant=... and user=..., or auth={} for nobody; a token that "
                'lacks one of them is auth={"token": world.token(tenant=None, user=...)}'
            )
        return {"token": self.token(tenant=tenant, user=user, claims=claims, expires_in=expires_in)}
