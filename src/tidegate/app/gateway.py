"""The gateway: its life, its ways in, and how reception, hub, log and broker hang together."""

from __future__ import annotations

import asyncio
import gc
import logging
from collections.abc import Coroutine, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, contextmanager
from typing import Any

from tidegate.app.asgi import GatewayApp, run_lifespan
from tidegate.app.authentication import jwt_authenticator, tls_context
from tidegate.app.broker import Broker
from tidegate.app.cancelling import end_tasks
from tidegate.app.event_log import kept_bytes, make_event_log, remembered
from tidegate.app.following import LogFollower
from tidegate.app.forwarding import Forwarder
from tidegate.app.forwards import ForwardTable, forwards_of
from tidegate.app.namespace import Namespace
from tidegate.app.publisher import Publisher
from tidegate.app.reception import Reception
from tidegate.app.room_announcements import RoomAnnouncements
from tidegate.app.routing import Router
from tidegate.app.settings import Settings
from tidegate.app.targets import Tenant, tenant_target
from tidegate.app.ways_in import make_wiring
from tidegate.auth.authenticator import Authenticator
from tidegate.hub import Hub
from tidegate.ids import random_id
from tidegate.log import Control, EventEntry, EventLog, Window
from tidegate.sources.requests import RequestClient
from tidegate.transports.asgi import ASGIEntrance
from tidegate.transports.entrance import Entrance, Wiring
from tidegate.transports.handover import ConnectionInbox
from tidegate.transports.http import Routes
from tidegate.transports.listener import Listener

__all__ = ["Gateway"]

log = logging.getLogger("tidegate.gateway")

YOUNG_OBJECTS = 10_000
"""New objects that the garbage collector lets pass before it looks at them; Python's own is 700."""

HOUSEKEEPING_SECONDS = 1.0
REVOCATION_SECONDS = 24 * 3600.0
"""How long a revocation is remembered; tokens should not live longer."""


class Gateway:
    """Serves namespaces to the official Socket.IO client, and delivers what is emitted.

    ::

        gateway = Gateway(namespaces=[notifications])   # `tidegate serve realtime:gateway`
        await gateway.tenant("acme").user("42").emit(NotificationCreated(...))

    In an ASGI application see ``asgi`` and ``lifespan``. In a program of your own:
    ``await gateway.start()``, ``await gateway.listen()``, and at the end ``await gateway.stop()``.

    Args:
        namespaces: What is served; without any, the settings' ``namespaces``.
        settings: Default: all defaults. ``tidegate serve`` hands its own over by ``configure``, and
            ``lifespan`` reads the file and the environment if none are given.
        authenticator: Who a token speaks for; default: JWT as the settings say.
        log: The event log; default: as the settings say.

    Raises:
        ValueError: Two namespaces have the same name.
        ConfigError: The settings can't be used.
    """

    def __init__(
        self,
        namespaces: Sequence[Namespace] = (),
        *,
        settings: Settings | None = None,
        authenticator: Authenticator | None = None,
        log: EventLog | None = None,
    ) -> None:
        self.namespaces = _by_name(namespaces)
        self.settings = settings or Settings()
        self._has_settings = settings is not None
        self._authenticator = authenticator
        self._log = log
        self._services: RequestClient | None = None
        self._tasks: set[asyncio.Task[Any]] = set()
        self._following: asyncio.Task[None] | None = None
        self.is_draining = False
        self._is_wired = False
        self.is_started = False
        self.broker: Broker | None = None
        self.announcements: RoomAnnouncements | None = None
        self.listener: Entrance[Any] | None = None
        self.routes: Routes = {}
        self.max_body_size = 0

    def configure(self, settings: Settings) -> None:
        """Use these settings; before ``start`` only.

        Raises:
            RuntimeError: The gateway has started.
        """
        if self._following is not None:
            raise RuntimeError("the gateway has started; its settings can't change any more")
        self.settings = settings

    @contextmanager
    def in_memory(self, settings: Settings, services: RequestClient) -> Iterator[None]:
        """Within this, start and stop without anything outside of the process.

        ``tidegate.testing`` uses it. Afterwards the gateway is as it was before.

        Args:
            settings: With the embedded log, and without a broker.
            services: Gets the client events that are forwarded.

        Raises:
            RuntimeError: The gateway runs.
        """
        if self._following is not None:
            raise RuntimeError("the gateway runs already; stop it before it is tested")
        own = self.settings, self.namespaces, self._log
        self.settings, self._log, self._services = settings, None, services
        try:
            yield
        finally:
            self.settings, self.namespaces, self._log = own
            self._services = None

    # Life

    async def start(self) -> None:
        """Start the log, the hub and the sources; from here on events can be emitted.

        Waits for RabbitMQ if it is needed and can't be reached.

        Raises:
            LogError: The log can't be used.
            ConfigError: The settings can't be used, or the broker refuses them.
        """
        settings = self.settings
        self._forget()
        if not self.namespaces:
            self.namespaces = _by_name([Namespace(name) for name in settings.namespaces])
        forwards = forwards_of(self.namespaces, settings, needs_broker=self._services is None)
        self.log = self._log or make_event_log(settings, revocation_seconds=REVOCATION_SECONDS)
        await self.log.start()
        self.hub = Hub(
            window=Window(
                age=settings.window.age,
                max_bytes=kept_bytes(settings, settings.window.bytes),
                tenant_bytes=kept_bytes(settings, settings.window.tenant_bytes),
                partition_of=self.log.partition_of,
                max_floors=remembered(settings),
            ),
            log=self.log,
            session_age=settings.window.age,
            max_elsewhere=remembered(settings),
            on_control=self._apply_control,
            compress_from=_compress_from(settings),
        )
        self.follower = LogFollower(self.hub, self.log, age=settings.window.age, spawn=self.spawn)
        self._wire(settings, forwards)
        self._is_wired = True
        self.reception.token_life.start()
        for revocation in await self.log.revocations():
            self.reception.token_life.revoke(revocation)
        self._following = self.spawn(self.follower.run())
        self.spawn(self._keep_house())
        if self.announcements is not None:
            self.spawn(self.announcements.repeat())
        await asyncio.sleep(0)  # the follower takes its place before anything is appended
        await self.follower.synchroniser.caught_up()
        self.hub.end_fill()
        if self.broker is not None:
            await self.broker.start()
        self.is_started = True

    async def listen(self, host: str | None = None, port: int | None = None) -> int:
        """Open the public port and return it; the settings' address unless given.

        Raises:
            OSError: The address is taken or not ours.
            ConfigError: The certificate can't be used.
        """
        settings = self.settings
        bound = await self._new_listener().start(
            settings.host if host is None else host,
            settings.port if port is None else port,
            tls_context(settings.tls),
        )
        _tidy_memory()
        return bound

    def listen_from(self, inbox: ConnectionInbox) -> None:
        """Serve the connections that another process accepts on the public port.

        Raises:
            ConfigError: The certificate can't be used.
        """
        tls = tls_context(self.settings.tls)
        self._new_listener().start_from(inbox, tls)
        _tidy_memory()

    def asgi(self) -> GatewayApp:
        """Return this gateway as an ASGI application.

        Mount it in another one that joins ``lifespan``, or serve it by itself::

            app = FastAPI(lifespan=gateway.lifespan)
            app.mount("/", gateway.asgi())    # after the routes; the client's path is /socket.io/

        See ``docs/topics/asgi.md`` for what differs from ``tidegate serve``.
        """
        return GatewayApp(self)

    def lifespan(self, app: object = None) -> AbstractAsyncContextManager[None]:
        """Return the life of a mounted gateway: it starts on entering, drains and stops on leaving.

        Within a lifespan of your own: ``async with gateway.lifespan(app): yield``.

        Args:
            app: Where it is mounted; ASGI frameworks give it, and it is not used.

        Raises:
            ConfigError: On entering: the settings can't be used, or are unsafe without ``dev``.
            LogError: On entering: the log can't be used.
        """
        return run_lifespan(self, has_settings=self._has_settings)

    def open_asgi(self) -> None:
        """Let in the clients that ``asgi`` is handed; ``lifespan`` does it."""
        entrance = ASGIEntrance(self._wiring())
        entrance.start()
        self.listener = entrance

    def _new_listener(self) -> Listener:
        listener = Listener(self._wiring(), routes=self.routes, max_body_size=self.max_body_size)
        self.listener = listener
        return listener

    def _forget(self) -> None:
        """Begin anew: an application under test has a lifespan in each test."""
        self.is_started = self.is_draining = self._is_wired = False
        self.broker = self.announcements = self.listener = None

    async def drain(self) -> None:
        """Stop accepting and send the clients elsewhere, spread over ``drain_seconds``."""
        self.is_draining = True
        if self.listener is not None:
            await self.listener.drain(self.settings.drain_seconds)

    async def stop(self) -> None:
        """Close what is open and let go of everything; also in the middle of ``start``."""
        self.is_draining = True
        if self.listener is not None:
            await self.listener.stop()
        if self.broker is not None:
            await self.broker.stop_consuming()
            await self.broker.close()
        if self._is_wired:
            self.reception.token_life.stop()
            await self.log.close()
        await end_tasks(list(self._tasks))
        self._following = None
        close = getattr(self.authenticator, "aclose", None) if self._is_wired else None
        if close is not None:
            await close()

    @property
    def has_own_authenticator(self) -> bool:
        """Whether tokens are verified by the user's authenticator, not by the settings' keys."""
        return self._authenticator is not None

    @property
    def is_ready(self) -> bool:
        """Whether new clients should be sent here."""
        return all(self.checks.values())

    @property
    def checks(self) -> dict[str, bool]:
        """Return what readiness is made of; each must be true."""
        has_log = self.is_started and self.follower.is_following and self.log.is_available
        checks = {"started": self.is_started, "log": has_log, "serving": not self.is_draining}
        if self.broker is not None:
            checks["rabbitmq"] = self.broker.is_connected
        return checks

    # Addressing

    def tenant(self, tenant: str) -> Tenant:
        """Return a tenant as an address; users and rooms hang off it.

        Raises:
            ValueError: It is no name.
            RuntimeError: The gateway has not started.
        """
        if not self._is_wired:
            raise RuntimeError("the gateway has not started, so nothing can be emitted yet")
        return tenant_target(self.publisher, tenant)

    async def publish(self, entries: Sequence[EventEntry]) -> list[str]:
        """Append events, all or nothing, and return their offsets."""
        return await self.publisher.publish(entries)

    # Small parts

    @property
    def tasks(self) -> frozenset[asyncio.Task[Any]]:
        """What runs now: what lasts as long as the gateway, handlers, hooks, waiting CONNECTs."""
        return frozenset(self._tasks)

    def spawn(self, coroutine: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run a coroutine until it ends or the gateway stops."""
        task = asyncio.get_running_loop().create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _wire(self, settings: Settings, forwards: ForwardTable) -> None:
        self.authenticator = self._authenticator or jwt_authenticator(
            settings.auth, allow_weak=settings.dev
        )
        self.publisher = Publisher(
            self.log, self.hub, self.namespaces, revocation_seconds=REVOCATION_SECONDS
        )
        if settings.rabbitmq.url is not None:
            self.broker = self._make_broker(settings, forwards)
            self.hub.taps.add(lambda record: self._note_origin(record.entry))
        if self.log.is_shared:
            self.announcements = RoomAnnouncements(
                self.hub, self.log, every=settings.window.age / 2, spawn=self.spawn
            )
        self.reception = Reception(
            self.namespaces,
            settings,
            self.authenticator,
            self.hub,
            self.publisher,
            spawn=self.spawn,
            forwarder=self._forwarder(forwards),
            synchronise=self.follower.synchroniser.caught_up if self.log.is_shared else None,
            rooms_told=None if self.announcements is None else self.announcements.told,
        )

    def _wiring(self) -> Wiring:
        return make_wiring(self.settings, handler=self.reception, hub=self.hub)

    def _forwarder(self, forwards: ForwardTable) -> Forwarder | None:
        if self._services is not None:
            return Forwarder(forwards, self._services) if forwards else None
        return None if self.broker is None else self.broker.forwarder

    def _make_broker(self, settings: Settings, forwards: ForwardTable) -> Broker:
        return Broker(
            settings,
            router=Router(
                self.namespaces,
                settings.bindings,
                self.publisher,
                max_payload=settings.limits.payload,
            ),
            forwards=forwards,
            log=self.log,
            append=self.publisher.store,
            synchronise=self.follower.synchroniser.caught_up,
            name=random_id()[:8],
        )

    def _note_origin(self, entry: EventEntry) -> None:
        if self.broker is not None:
            self.broker.note(entry)

    async def _keep_house(self) -> None:
        while True:
            await asyncio.sleep(HOUSEKEEPING_SECONDS)
            try:
                self.hub.expire()
            except Exception:
                log.exception("housekeeping failed")

    def _apply_control(self, entry: Control) -> None:
        self.reception.apply(entry)


def _tidy_memory() -> None:
    """Keep the garbage collector out of the way: connections and events make no cycles.

    Measured while 8,000 clients come in: with ``freeze`` a full collection does not look at what
    was there before (37 to 0.005 ms), and the larger threshold cuts the longest pause from 14 to
    2 ms and 3 us from each handshake.
    """
    gc.collect()
    gc.freeze()
    first, *others = gc.get_threshold()
    gc.set_threshold(max(first, YOUNG_OBJECTS), *others)


def _by_name(namespaces: Sequence[Namespace]) -> dict[str, Namespace]:
    by_name = {str(namespace.name): namespace for namespace in namespaces}
    if len(by_name) != len(namespaces):
        raise ValueError("two namespaces have the same name")
    return by_name


def _compress_from(settings: Settings) -> int | None:
    return settings.compression.threshold if settings.compression.enabled else None
