"""A gateway with resource rooms, for the test of what the connection does about them."""

from __future__ import annotations

from tidegate import Client, Gateway, Namespace

topics = Namespace("/topics")


@topics.room("topic:{name}")
async def may_join(client: Client, name: str) -> bool:
    """Let everybody into every topic but one."""
    return name != "secret"


gateway = Gateway([topics])
