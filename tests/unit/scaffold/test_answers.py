"""Answers are checked together, and refused with every reason."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Any

import pytest

from tidegate.errors import AnswersError
from tidegate.events import check_event_name
from tidegate.protocol.socketio import RESERVED_EVENT_NAMES as RUNTIME_NAMES
from tidegate.scaffold import Answers, Domain, domain_from
from tidegate.scaffold.domain import RoomShape
from tidegate.scaffold.payloads import RESERVED_EVENT_NAMES, event_name_problem


def domain(name: str = "Notification", **answers: Any) -> Domain:
    given = {"events": ["notification.created:id,message"], **answers}
    return domain_from(Answers(name, **given))


def reasons(name: str = "Notification", **answers: Any) -> list[tuple[str, str]]:
    with pytest.raises(AnswersError) as refused:
        domain(name, **answers)
    return [(problem.question, problem.reason) for problem in refused.value.problems]


def test_a_domain() -> None:
    found = domain(
        "ActivityFeed",
        events=["activityFeed.itemAdded:id"],
        commands=["activityFeed.markRead:id", "mute"],
        rooms=["tenantId", "userId", "resourceId", "chatId", "space:{spaceId}"],
    )
    assert [event.class_name for event in found.events] == ["ActivityFeedItemAdded"]
    assert [command.function_name for command in found.commands] == ["mark_read", "mute"]
    assert found.namespace == "/activity-feeds"
    assert found.rooms == (
        RoomShape("activity-feed", "activityFeedId"),
        RoomShape("chat", "chatId"),
        RoomShape("space", "spaceId"),
    )
    assert str(found.python_folder) == "apps/api-gateway/realtime/activity_feeds"
    assert str(found.nest_folder) == "apps/api-gateway/src/realtime/activityFeeds"
    assert str(found.web_folder) == "apps/web/src/features/activityFeeds/realtime"


def test_a_service_of_its_own() -> None:
    found = domain(gateway="standalone")
    assert found.is_standalone
    assert found.gateway_root == PurePosixPath("apps/realtime-gateway")
    assert not domain(gateway="services/edge").is_standalone


def test_an_event_goes_to_the_room_that_it_always_names() -> None:
    found = domain(
        events=["a:chatId", "b:chatId?", "c:chatId:string[]", "d:id", "e:chatId:int"],
        rooms=["chatId"],
    )
    rooms = [room and room.prefix for room in map(found.room_of, found.events)]
    assert rooms == ["chat", None, None, None, "chat"]


@pytest.mark.parametrize(
    ("answers", "question", "reason"),
    [
        ({"name": ""}, "name", "needed"),
        ({"name": "9Lives"}, "name", "not an identifier"),
        ({"name": "a/b"}, "name", "not an identifier"),
        ({"name": "Émile"}, "name", "not an identifier"),
        ({"name": "Event"}, "name", "another use"),
        ({"events": []}, "event", "at least one event"),
        ({"events": ["connect"]}, "event", "reserved by the Socket.IO client"),
        ({"events": ["disconnecting:id"]}, "event", "reserved by the Socket.IO client"),
        ({"events": ["tidegate.join"]}, "event", "kept for the gateway"),
        ({"events": ["a..b"]}, "event", "not an event name"),
        ({"events": ["9a"]}, "event", "not an event name"),
        ({"events": ["a.*"]}, "event", "not an event name"),
        ({"events": [""]}, "event", "not an event name"),
        ({"events": ["a" * 201]}, "event", "at most 200"),
        ({"events": ["a.b:id", "a.b"]}, "event", "duplicate"),
        ({"events": ["a.b", "a_b"]}, "event", "the type AB"),
        ({"events": ["client"]}, "event", "the type Client"),
        ({"events": ["a:id,id"]}, "event", "given twice"),
        ({"commands": ["notification.created"]}, "command", "duplicate"),
        ({"commands": ["mark.read", "notification.markRead"]}, "command", "reads the same"),
        ({"commands": ["mark:tenantId"]}, "command", "from the verified token"),
        ({"commands": ["client"]}, "command", "the type Client"),
        ({"commands": ["connect_error"]}, "command", "reserved"),
        ({"namespace": "chat"}, "namespace", "looks like"),
        ({"namespace": "/a b"}, "namespace", "looks like"),
        ({"rooms": ["a:b"]}, "room", "a room is"),
        ({"rooms": ["tenant:{tenantId}"]}, "room", "joined by itself"),
        ({"rooms": ["chatId", "chat:{id}"]}, "room", "duplicate"),
        ({"rooms": ["chatRoom:{id}", "chat-room:{id}"]}, "room", "duplicate"),
        ({"rooms": ["chat:{client}"]}, "room", "who asks"),
        ({"gateway": "../elsewhere"}, "gateway", "outside the project"),
        ({"gateway": "/srv/gateway"}, "gateway", "outside the project"),
        ({"gateway": "apps/../.."}, "gateway", "outside the project"),
        ({"gateway": "a b"}, "gateway", "a folder"),
        ({"gateway": ""}, "gateway", "a folder"),
        ({"target": "go"}, "target", "python and nestjs"),
    ],
)
def test_what_is_refused(answers: dict[str, Any], question: str, reason: str) -> None:
    found = reasons(**answers)
    assert any(question == q and reason in r for q, r in found), found


def test_all_reasons_are_told_at_once() -> None:
    found = reasons("9", events=["connect", "a:x:y"], target="go", gateway="..")
    assert [question for question, _ in found] == ["name", "event", "event", "gateway", "target"]


def test_types_of_the_same_name_must_be_the_same() -> None:
    files = {
        "a.json": '{"title": "User", "properties": {"id": {"type": "string"}}}',
        "b.json": '{"title": "User", "properties": {"id": {"type": "integer"}}}',
    }
    same = Answers("Chat", ["a:by:@a.json", "b:by:@a.json"])
    assert len(domain_from(same, files.get).objects) == 1
    with pytest.raises(AnswersError, match="two types would be called User"):
        domain_from(Answers("Chat", ["a:by:@a.json", "b:by:@b.json"]), files.get)


def test_reserved_names_are_the_runtimes() -> None:
    assert RESERVED_EVENT_NAMES == RUNTIME_NAMES


@pytest.mark.parametrize(
    "name", [*sorted(RUNTIME_NAMES), "tidegate.x", "", "a" * 200, "a" * 201, "a.b", "message.send"]
)
def test_the_runtime_refuses_the_same_names(name: str) -> None:
    try:
        check_event_name(name)
    except ValueError:
        assert event_name_problem(name)
    else:
        assert event_name_problem(name) is None
