"""What the Python target makes of a domain, compared with stored trees."""

from __future__ import annotations

import json
import re
import sys
from types import ModuleType

import msgspec
import pytest
from tests.scaffold.domains import activity_feed, notification
from tests.scaffold.golden import assert_matches_golden

from tidegate.errors import AnswersError
from tidegate.events import event_name_of
from tidegate.scaffold import Answers, Domain, MemoryProject, Plan, domain_from, plan
from tidegate.scaffold.targets.samples import python_literal, sample_of, wrong_payload


def planned(*domains: Domain, project: MemoryProject | None = None) -> tuple[Plan, MemoryProject]:
    """Plan domains one after the other, and return the last plan and what is there then."""
    project = project or MemoryProject()
    for domain in domains:
        last = plan(domain, project)
        project.files |= {str(file.path): file.content for file in last.files}
    return last, project


def test_in_an_api_gateway() -> None:
    assert_matches_golden(plan(notification(), MemoryProject()), "python-api-gateway")


def test_a_service_of_its_own() -> None:
    domain = activity_feed(gateway="standalone")
    assert_matches_golden(plan(domain, MemoryProject()), "python-standalone")


def test_a_second_run_plans_the_same_texts() -> None:
    for domain in (notification(), activity_feed(gateway="standalone")):
        first, project = planned(domain)
        again, _ = planned(domain, project=MemoryProject(dict(project.files)))
        texts = {str(file.path): file.content for file in again.files}
        assert texts.items() <= {str(f.path): f.content for f in first.files}.items()


def test_a_second_domain_joins_the_first() -> None:
    last, project = planned(notification(), activity_feed())
    kinds = {str(file.path).removeprefix("apps/api-gateway/"): file.kind for file in last.files}
    assert kinds.pop("realtime/app.py") == kinds.pop("tidegate.toml") == "edit"
    assert set(kinds.values()) == {"create"}
    assert all(path.startswith("realtime/activity_feeds/") for path in kinds)
    app = project.files["apps/api-gateway/realtime/app.py"]
    assert "        notifications,\n        activity_feeds,\n" in app


def test_a_namespace_that_another_domain_has_is_refused() -> None:
    _, project = planned(notification(namespace="/realtime"))
    planned(notification(namespace="/realtime"), project=project)
    with pytest.raises(AnswersError, match="a duplicate: notifications has it"):
        planned(activity_feed(namespace="/realtime"), project=project)


def test_what_domains_share_is_left_to_the_project() -> None:
    mine = {
        "apps/realtime-gateway/pyproject.toml": "# mine\n",
        "apps/realtime-gateway/Dockerfile": "# mine\n",
        "apps/realtime-gateway/realtime/__init__.py": "",
    }
    made = plan(notification(gateway="standalone"), MemoryProject(mine))
    assert not {str(file.path) for file in made.files} & set(mine)


def test_generated_lines_are_not_wide() -> None:
    domain = domain_from(
        Answers(
            "CustomerSupportConversation",
            ["customerSupportConversation.messageWasEditedByTheCustomer:conversationId,messageId"],
            ["customerSupportConversation.markEveryMessageOfTheCustomerAsRead:conversationId"],
            rooms=["conversationId"],
            has_frontend=False,
        )
    )
    for file in plan(domain, MemoryProject()).files:
        if file.path.suffix == ".py":
            assert max(map(len, file.content.splitlines())) <= 100, file.path


def test_no_print_and_no_verification_in_handlers() -> None:
    for file in plan(activity_feed(), MemoryProject()).files:
        assert not re.search(r"\bprint\(|jwt\.decode\(", file.content), file.path


@pytest.mark.parametrize("domain", [notification(), activity_feed()], ids=["plain", "all kinds"])
def test_types_have_the_wire_names_and_take_the_samples(
    monkeypatch: pytest.MonkeyPatch, domain: Domain
) -> None:
    """The classes are run: what they encode has the keys that were asked for."""
    files = {file.path.name: file.content for file in plan(domain, MemoryProject()).files}
    module = ModuleType("generated_events")
    monkeypatch.setitem(sys.modules, "generated_events", module)
    exec(compile(files["events.py"], "events.py", "exec"), module.__dict__)
    for shape in domain.payloads:
        type_ = getattr(module, shape.class_name)
        assert event_name_of(type_) == shape.name
        sample = sample_of(shape.fields)
        decoded = msgspec.json.decode(json.dumps(sample), type=type_)
        assert json.loads(msgspec.json.encode(decoded)) == sample
        with pytest.raises(msgspec.ValidationError):
            msgspec.convert(wrong_payload(shape.fields), type_)


def test_functions_do_not_hide_what_the_module_uses() -> None:
    domain = domain_from(
        Answers("Chat", ["chats:id"], ["logger", "chats.command", "lambda"], has_frontend=False)
    )
    files = {file.path.name: file.content for file in plan(domain, MemoryProject()).files}
    names = re.findall(r"def (\w+)\(", files["gateway.py"] + files["consumer.py"])
    assert names == ["on_logger", "on_command", "lambda_", "on_chats"]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"a": True, "b": None, "c": "é"}, '{"a": True, "b": None, "c": "é"}'),
        ([], "[]"),
        (["x" * 90], "[\n    " + '"' + "x" * 90 + '",\n]'),
    ],
)
def test_literals_are_python(value: object, text: str) -> None:
    assert python_literal(value) == text
