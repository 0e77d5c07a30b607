"""Paths find names in every part of a message, and take nothing else for a name."""

from __future__ import annotations

from typing import Any

import pytest

from tidegate.app.paths import (
    DEFAULT_TENANT,
    DEFAULT_USER,
    MessageParts,
    Path,
    PayloadFields,
    parse_path,
)
from tidegate.errors import MessageRejected
from tidegate.sources.message import AMQPContent, IncomingMessage


def parts(
    data: str,
    *paths: Path,
    headers: dict[str, Any] | None = None,
    properties: dict[str, Any] | None = None,
    attributes: dict[str, Any] | None = None,
) -> MessageParts:
    content = AMQPContent(b"", headers=headers or {}, properties=properties or {})
    message = IncomingMessage("p", data.encode(), content, attributes=attributes or {})
    return MessageParts(message, PayloadFields(paths))


def name(text: str, data: str = "{}", **message: Any) -> str | None:
    path = parse_path(text)
    return parts(data, path, **message).name((path,), "audience_missing", "user")


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("tenantId", Path("data", ("tenantId",))),
        ("data.owner.id", Path("data", ("owner", "id"))),
        ("owner.id?", Path("data", ("owner", "id"), is_optional=True)),
        ("headers.x-tenant", Path("headers", ("x-tenant",))),
        ("properties.user_id", Path("properties", ("user_id",))),
        ("attributes.tenantid?", Path("attributes", ("tenantid",), is_optional=True)),
        ("headers", Path("data", ("headers",))),  # a field of that name
        ("data.headers.x", Path("data", ("headers", "x"))),
        ("header.x", Path("data", ("header", "x"))),
    ],
)
def test_a_path_is_parsed(text: str, path: Path) -> None:
    assert parse_path(text) == path


@pytest.mark.parametrize("text", ["", "?", "a.", ".a", "a..b", "a?.b", "a b", 'a"b', "a\\b", "a\n"])
def test_what_is_no_path(text: str) -> None:
    with pytest.raises(ValueError, match="is not a path"):
        parse_path(text)


def test_names_are_found_everywhere() -> None:
    assert name("owner.id", '{"owner":{"name":"x","id":"42"}}') == "42"
    assert name("headers.x-user", headers={"x-user": "42"}) == "42"
    assert name("headers.x.user", headers={"x.user": "42"}) == "42"
    assert name("headers.x.user", headers={"x": {"user": 42}}) == "42"
    assert name("properties.user_id", properties={"user_id": "42"}) == "42"
    assert name("attributes.userid", attributes={"userid": "42"}) == "42"


@pytest.mark.parametrize(
    ("json", "text"),
    [
        ('"42"', "42"),
        ("42", "42"),
        ("-7", "-7"),
        ("9" * 256, "9" * 256),
        ('"\\u00e9"', "é"),
        ('"' + "u" * 256 + '"', "u" * 256),
        ('"null"', "null"),
    ],
)
def test_text_and_whole_numbers_are_names(json: str, text: str) -> None:
    assert name("user", f'{{"user":{json}}}') == text


@pytest.mark.parametrize("optional", ["", "?"])
@pytest.mark.parametrize(
    "json",
    ['""', "true", "false", "1.0", "1e3", "[]", "{}", '["a"]', '"' + "u" * 257 + '"', "9" * 257],
)
def test_anything_else_is_refused_even_where_it_may_be_missing(json: str, optional: str) -> None:
    with pytest.raises(MessageRejected) as caught:
        name("user" + optional, f'{{"user":{json}}}')
    assert (caught.value.reason, caught.value.field) == ("audience_missing", "data.user")


@pytest.mark.parametrize("value", ["", True, 1.5, b"42", ["a"], {"a": 1}, "u" * 257])
def test_a_header_that_is_no_name(value: object) -> None:
    with pytest.raises(MessageRejected):
        name("headers.user?", headers={"user": value})


@pytest.mark.parametrize(
    "data",
    [
        "{}",
        '{"owner":null}',
        '{"owner":{}}',
        '{"owner":{"id":null}}',
        '{"owner":"42"}',
        "[]",
        "5",
        '"owner"',
    ],
)
def test_what_is_missing(data: str) -> None:
    assert name("owner.id?", data) is None
    with pytest.raises(MessageRejected) as caught:
        name("owner.id", data)
    assert (caught.value.reason, caught.value.field) == ("audience_missing", "data.owner.id")


def test_a_missing_header_or_attribute() -> None:
    assert name("headers.user?", headers={"users": "42", "user": None}) is None
    assert name("headers.a.b?", headers={"a": "text"}) is None
    assert name("attributes.userid?") is None


def test_the_last_of_equal_fields_counts_as_in_a_browser() -> None:
    assert name("user", '{"user":"1","user":"2"}') == "2"


def test_a_field_written_with_escapes_is_the_same_field() -> None:
    assert name("user", '{"us\\u0065r":"1"}') == "1"


def test_where_the_tenant_is_looked_for() -> None:
    data = '{"tenantId":"of-the-data"}'
    headers, attributes = {"tenantId": "of-the-headers"}, {"tenantid": "of-the-attributes"}

    def tenant(data: str = data, **message: Any) -> str | None:
        found = parts(data, *DEFAULT_TENANT, **message)
        return found.name(DEFAULT_TENANT, "tenant_missing", "tenant")

    assert tenant(headers=headers, attributes=attributes) == "of-the-headers"
    assert tenant(attributes=attributes) == "of-the-attributes"
    assert tenant() == "of-the-data"
    with pytest.raises(MessageRejected, match=r"headers\.tenantId or attributes\.tenantid"):
        tenant("{}")
    with pytest.raises(MessageRejected):  # nonsense in front is not passed over
        tenant(headers={"tenantId": ""})


def test_a_user_may_be_missing_in_the_default_places() -> None:
    assert parts("{}", *DEFAULT_USER).name(DEFAULT_USER, "audience_missing", "user") is None
