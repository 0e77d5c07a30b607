"""Templates to text. They are in ``templates/``, one folder for each target.

A template starts with ``{{ header }}`` in a comment. Filters: ``py_type`` and ``ts_type`` of a
field, ``py_name`` of a key, ``quoted`` for a string literal of either language, and ``camel``,
``pascal``, ``snake``, ``kebab`` of words or of a name.
"""

from __future__ import annotations

import functools
import json
from typing import Any

import jinja2

from tidegate.errors import TemplateError
from tidegate.scaffold import names
from tidegate.scaffold.fields import py_type, python_name, ts_type

__all__ = ["render"]


def render(template: str, /, **context: Any) -> str:
    """Return a template's text, with one line end at its end.

    Args:
        template: Such as ``python/events.py.jinja``.
        context: Its variables; each must be given that it uses.

    Raises:
        TemplateError: It is missing or broken.
    """
    header = f"Made by `tidegate new` from {template.removesuffix('.jinja')}; yours to change."
    try:
        text = _environment().get_template(template).render(header=header, **context)
    except jinja2.TemplateError as error:
        raise TemplateError(f"template {template}: {error}") from error
    return text.rstrip("\n") + "\n"


@functools.cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("tidegate.scaffold", "templates"),
        undefined=jinja2.StrictUndefined,
        autoescape=False,  # noqa: S701  # the output is source code, not HTML
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "py_type": py_type,
        "ts_type": ts_type,
        "py_name": python_name,
        "quoted": lambda text: json.dumps(text, ensure_ascii=False),
        **{name: _of_words(name) for name in ("camel", "pascal", "snake", "kebab")},
    }
    return environment


def _of_words(form: str) -> Any:
    convert = getattr(names, form)
    return lambda value: convert(names.words_of(value) if isinstance(value, str) else value)
