"""A CloudEvent's attributes and data are found in both modes, and checked."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from tidegate.errors import MessageRejected
from tidegate.sources.envelopes import open_envelope
from tidegate.sources.message import AMQPContent, IncomingMessage

EVENT = {"specversion": "1.0", "id": "7", "source": "/orders", "type": "order.paid"}


def opened(body: bytes | str, kind: str = "auto", **content: Any) -> IncomingMessage:
    return open_envelope(
        AMQPContent(body.encode() if isinstance(body, str) else body, **content), kind
    )


def refusal(body: bytes | str, kind: str = "auto", **content: Any) -> MessageRejected:
    with pytest.raises(MessageRejected) as caught:
        opened(body, kind, **content)
    assert caught.value.reason == "malformed"
    return caught.value


def headers(prefix: str, **attributes: str) -> dict[str, str]:
    return {prefix + name: value for name, value in (EVENT | attributes).items()}


@pytest.mark.parametrize("prefix", ["cloudEvents_", "cloudEvents:"])
@pytest.mark.parametrize("kind", ["auto", "cloudevents"])
def test_cloudevent_in_binary_mode(prefix: str, kind: str) -> None:
    message = opened(
        '{"n": 1}',
        kind,
        routing_key="ignored",
        headers=headers(prefix, tenantid="acme") | {"other": "x"},
        properties={"content_type": "application/json"},
    )
    assert (message.pattern, message.data) == ("order.paid", b'{"n": 1}')
    assert message.message_id == "/orders 7"
    assert message.attributes == EVENT | {
        "tenantid": "acme",
        "datacontenttype": "application/json",
    }


def test_binary_mode_without_a_body_carries_null() -> None:
    assert opened("", headers=headers("cloudEvents_")).data == b"null"


def test_binary_mode_whose_data_looks_like_nestjs() -> None:
    message = opened('{"pattern":"p","data":1}', headers=headers("cloudEvents_"))
    assert (message.pattern, message.data) == ("order.paid", b'{"pattern":"p","data":1}')


def test_headers_that_are_nearly_a_cloudevent() -> None:
    nearly = headers("cloudevents_") | headers("ce-") | headers("cloudEvents-")
    assert opened("1", routing_key="key", headers=nearly).pattern == "key"


@pytest.mark.parametrize("media_type", ["application/cloudevents+json; charset=utf-8", None])
def test_cloudevent_in_structured_mode(media_type: str | None) -> None:
    body = json.dumps(EVENT | {"tenantid": "acme", "nothing": None})[:-1] + ', "data": {"n": 1}}'
    properties = {} if media_type is None else {"content_type": media_type}
    message = opened(body, "cloudevents", properties=properties)
    assert (message.pattern, message.data) == ("order.paid", b'{"n": 1}')
    assert message.attributes == EVENT | {"tenantid": "acme"}
    assert opened(body, routing_key="key").pattern == "key"  # `auto` goes by the content type


def test_structured_mode_is_told_by_its_content_type() -> None:
    properties = {"content_type": "Application/CloudEvents+JSON"}
    assert opened(json.dumps(EVENT), properties=properties).data == b"null"


def test_structured_mode_with_base64() -> None:
    encoded = base64.b64encode(b' {"n": 1}').decode()
    body = json.dumps(EVENT | {"data_base64": encoded})
    assert opened(body, "cloudevents").data == b'{"n": 1}'


@pytest.mark.parametrize("data", [b"\xff", b"plain text", b'"\xff"', b""])
def test_base64_that_holds_no_json(data: bytes) -> None:
    body = json.dumps(EVENT | {"data_base64": base64.b64encode(data).decode()})
    assert refusal(body, "cloudevents").field == "data_base64"


@pytest.mark.parametrize("encoded", ["!!!", 5, "e30"])
def test_base64_that_is_none(encoded: object) -> None:
    assert refusal(json.dumps(EVENT | {"data_base64": encoded}), "cloudevents")


def test_data_in_both_forms() -> None:
    body = json.dumps(EVENT | {"data": 1, "data_base64": "MQ=="})
    assert refusal(body, "cloudevents").field == "data_base64"


@pytest.mark.parametrize("name", sorted(EVENT))
@pytest.mark.parametrize("value", [None, "", 5])
def test_a_required_attribute_that_is_missing_or_no_text(name: str, value: object) -> None:
    assert refusal(json.dumps(EVENT | {name: value}), "cloudevents").field == name
    if name != "specversion" or value is not None:
        bad = {k: v for k, v in headers("cloudEvents_", **{name: value}).items() if v is not None}  # type: ignore[arg-type]
        assert refusal("1", "auto", headers=bad).field == name


def test_an_attribute_of_a_wrong_type() -> None:
    assert refusal(json.dumps(EVENT | {"tenantid": {}}), "cloudevents").field == "tenantid"


def test_a_cloudevent_of_another_version() -> None:
    assert refusal(json.dumps(EVENT | {"specversion": "0.3"}), "cloudevents").field == "specversion"


def test_source_and_id_can_not_run_together() -> None:
    one = opened("1", headers=headers("cloudEvents_", source="/a b", id="c"))
    other = opened("1", headers=headers("cloudEvents_", source="/a", id="b c"))
    assert one.message_id != other.message_id


def test_a_long_identity_is_hashed() -> None:
    one = opened("1", headers=headers("cloudEvents_", source="/" + "s" * 400, id="1"))
    other = opened("1", headers=headers("cloudEvents_", source="/" + "s" * 400, id="2"))
    assert one.message_id != other.message_id
    assert one.message_id is not None and one.message_id.startswith("sha256:")
