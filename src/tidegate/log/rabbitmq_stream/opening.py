"""Opens links to the broker, to the node that leads a stream where that can be reached."""

from __future__ import annotations

import logging
import ssl

from rstream import exceptions
from rstream.client import Client
from rstream.utils import OnClosedErrorInfo

from tidegate.errors import ConfigError
from tidegate.log.rabbitmq_stream.address import StreamAddress
from tidegate.log.rabbitmq_stream.link import FRAME_MAX, LINK_ERRORS, Link

__all__ = ["open_link", "open_link_to_leader", "refusal"]

log = logging.getLogger("tidegate.log")

_REFUSALS: dict[type[Exception], str] = {
    exceptions.AuthenticationFailure: "the broker refuses the user name or password",
    exceptions.SASLAuthenticationFailureLoopback: "the broker lets this user in from its own "
    "machine only",
    exceptions.VirtualHostAccessFailure: "the user may not use the virtual host, or there is none",
    exceptions.AccessRefused: "the user may not configure, write and read the log's streams",
}


async def open_link(address: StreamAddress, name: str, heartbeat: float) -> Link:
    """Connect to a broker.

    Args:
        address: Where it is.
        name: Shown by the broker beside the connection.
        heartbeat: Seconds between heartbeats, unless the broker wants them more often or not at
            all.

    Raises:
        ConfigError: The broker refuses user, password or virtual host.
        OSError, TimeoutError: It can't be reached.
    """
    links: list[Link] = []

    def on_closed(info: OnClosedErrorInfo) -> None:
        for link in links:
            link.give_up()

    client = Client(
        address.host,
        address.port,
        ssl_context=ssl.create_default_context() if address.has_tls else None,
        frame_max=FRAME_MAX,
        heartbeat=max(1, round(heartbeat)),
        connection_name=name,
        connection_closed_handler=on_closed,
    )
    client.add_stream(name)  # rstream tells only clients with a stream that their link is lost
    link = Link(client, heartbeat)
    links.append(link)
    try:
        await client.start()
        await link.ask(client.authenticate(address.virtual_host, address.user, address.password))
        link.heartbeat = client._heartbeat  # noqa: SLF001 - as agreed on; rstream tells it nowhere
    except tuple(_REFUSALS) as error:
        await link.close()
        raise refusal(error) from error
    except BaseException:
        await link.close()
        raise
    return link


async def open_link_to_leader(
    address: StreamAddress, stream: str, name: str, heartbeat: float
) -> Link:
    """Connect to the broker node that leads a stream, or to ``address`` if that is no help.

    Behind a load balancer, or in containers, the name that a node advertises may not be reachable
    from here; any node of the cluster takes what is published, if less directly.
    """
    link = await open_link(address, name, heartbeat)
    try:
        leader, _ = await link.ask(link.client.query_leader_and_replicas(stream))
    except BaseException:
        await link.close()
        raise
    own = link.client.server_properties or {}
    there = (leader.host, leader.port)
    here = (own.get("advertised_host", address.host), int(own.get("advertised_port", address.port)))
    if there == here:
        return link
    try:
        direct = await open_link(
            address._replace(host=leader.host, port=leader.port), name, heartbeat
        )
    except (*LINK_ERRORS, ConfigError):
        log.info("the leader of %s can't be reached at %s:%s", stream, *there)
        return link
    await link.close()
    return direct


def refusal(error: Exception) -> ConfigError:
    """Return what to tell when the broker refuses for good."""
    return ConfigError(
        "rabbitmq.stream_url",
        _REFUSALS.get(type(error), "the broker refuses"),
        remedy="Check user, password and virtual host in rabbitmq.url (or rabbitmq.stream_url).",
        source="the broker",
    )
