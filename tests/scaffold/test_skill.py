"""The skill for coding assistants names only what the command line has."""

from __future__ import annotations

import json
import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from tidegate.cli.main import app

ROOT = Path(__file__).parents[2]
SKILL = (ROOT / "skills" / "websocket" / "SKILL.md").read_text()
PROGRAM = typer.main.get_command(app)


def code_in(text: str) -> Iterator[str]:
    """Yield each line of the code blocks (continued lines as one), then each span of code."""
    for block in re.findall(r"```sh\n(.*?)```", text, re.DOTALL):
        yield from block.replace("\\\n", " ").splitlines()
    yield from re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", text, flags=re.DOTALL))


def commands_in(text: str) -> list[list[str]]:
    return [
        shlex.split(code, comments=True)[1:]
        for code in code_in(text)
        if code.startswith("tidegate ")
    ]


def commands_of(command: Any) -> dict[str, Any]:
    """Return a group's commands, by name."""
    return dict(getattr(command, "commands", {}))


def flags_of(command: Any) -> set[str]:
    return {"--help"} | {
        flag for each in command.params for flag in (*each.opts, *each.secondary_opts)
    }


def all_flags(command: Any) -> set[str]:
    inner = (all_flags(each) for each in commands_of(command).values())
    return flags_of(command).union(*inner)


def check(words: list[str]) -> None:
    """Fail unless there is such a command, and it has these flags."""
    command: Any = PROGRAM
    while commands_of(command) and words and not words[0].startswith("-"):
        assert words[0] in commands_of(command), f"no command {words[0]!r}"
        command, words = commands_of(command)[words[0]], words[1:]
    flags = {word for word in words if re.fullmatch(r"-{1,2}[a-z][a-z-]*", word)}
    assert flags <= flags_of(command), f"{command.name} has not all of {flags}"


@pytest.mark.parametrize("words", commands_in(SKILL), ids=" ".join)
def test_each_command_is_there_with_its_flags(words: list[str]) -> None:
    check(words)


def test_each_flag_in_the_text_is_of_some_command() -> None:
    named = {flag for code in code_in(SKILL) for flag in re.findall(r"(?<![\w-])--[a-z-]+", code)}
    assert named and named <= all_flags(PROGRAM)


def test_each_flag_of_new_is_told() -> None:
    untold = {"name", "--help", "--frontend", "-y"}
    told = set(re.findall(r"--[a-z-]+", SKILL))
    assert flags_of(commands_of(PROGRAM)["new"]) - untold <= told


def test_it_reviews_by_command_as_soon_as_there_is_one() -> None:
    assert ("`tidegate review" in SKILL) == ("review" in commands_of(PROGRAM))


def test_a_command_that_is_not_there_is_found_out() -> None:
    with pytest.raises(AssertionError, match="no command"):
        check(["levitate"])
    with pytest.raises(AssertionError, match="has not all of"):
        check(["new", "Chat", "--levitate"])


def test_the_skill_and_its_manifest_are_well_formed() -> None:
    _, front, body = SKILL.split("---\n", 2)
    fields = dict(line.split(": ", 1) for line in front.splitlines())
    assert fields["name"] == "websocket"
    assert 0 < len(fields["description"]) <= 1024
    assert body.strip()
    manifest = json.loads((ROOT / ".claude-plugin" / "plugin.json").read_text())
    assert manifest["name"] == "tidegate"
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert manifest["version"] == project["version"]
