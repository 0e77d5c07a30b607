"""Domains that the tests of all targets may scaffold."""

from __future__ import annotations

from typing import Any

from tidegate.scaffold import Answers, Domain, domain_from

SCHEMAS = {
    "actor.json": """{
        "title": "Actor",
        "type": "object",
        "properties": {
            "id": {"type": "string"},
            "displayName": {"type": "string"},
            "kind": {"enum": ["person", "bot"]}
        },
        "required": ["id", "displayName"]
    }"""
}


def notification(**more: Any) -> Domain:
    """The plain one."""
    return domain_from(
        Answers(
            "Notification",
            events=["notification.created:id,message,type"],
            commands=["notification.markRead:notificationId"],
            **{"has_frontend": False, **more},
        )
    )


def activity_feed(**more: Any) -> Domain:
    """One with two words, a room, every kind of field, and names that need care."""
    fields = (
        "id,feedId,note?:string,actor:@actor.json,others:@actor.json[],at:datetime,"
        "tags:string[],count:int,score?:float,seen:bool,data:json,from,URLPath?"
    )
    return domain_from(
        Answers(
            "ActivityFeed",
            events=[f"activityFeed.itemAdded:{fields}", "activityFeed.cleared"],
            commands=[
                "activityFeed.markEverythingAsRead:feedId,upTo:datetime",
                "activityFeed.mute",
            ],
            rooms=["tenantId", "feedId"],
            **{"has_frontend": False, **more},
        ),
        SCHEMAS.get,
    )
