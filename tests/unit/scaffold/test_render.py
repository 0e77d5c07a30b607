"""Templates are strict, and name themselves."""

from __future__ import annotations

from importlib.resources import files

import pytest

from tidegate.errors import TemplateError
from tidegate.scaffold.names import Names
from tidegate.scaffold.render import render


def test_a_header_names_the_template() -> None:
    text = render("python/package.py.jinja")
    assert text.startswith("# Made by `tidegate new` from python/package.py; yours to change.\n")
    assert text.endswith('"""\n')


def test_a_name_that_is_not_given_is_an_error() -> None:
    with pytest.raises(TemplateError, match=r"python/__init__\.py\.jinja: 'exported' is undefined"):
        render("python/__init__.py.jinja", names=Names.of("Chat"), variable="chats")


def test_a_template_that_is_not_there_is_an_error() -> None:
    with pytest.raises(TemplateError, match="nowhere"):
        render("nowhere.jinja")


@pytest.mark.parametrize("folder", ["python", "nestjs", "nextjs"])
def test_each_template_has_the_header(folder: str) -> None:
    without = ("queue.toml.jinja", "package.json.jinja", "tsconfig.json.jinja")  # a part, or JSON
    for template in (files("tidegate.scaffold") / "templates" / folder).iterdir():
        if template.name.endswith(".jinja") and template.name not in without:
            assert "{{ header }}" in template.read_text(encoding="utf-8"), template.name
