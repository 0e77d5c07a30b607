"""All configuration errors in one exception, and pydantic's errors in our words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from tidegate.app.settings import FIELDS, holds_path, holds_secret
from tidegate.app.settings_sources import Given
from tidegate.errors import ConfigError

__all__ = ["ConfigErrors", "explain_invalid"]


class ConfigErrors(ConfigError):
    """Everything that is wrong with the configuration, found in one go.

    As a ``ConfigError`` it is its first error; its text has one line for each.

    Attributes:
        errors: All of them, at least one.
    """

    def __init__(self, errors: Sequence[ConfigError]) -> None:
        first = errors[0]
        super().__init__(first.key, first.problem, remedy=first.remedy, source=first.source)
        self.errors = list(errors)

    def __str__(self) -> str:
        return "\n".join(str(error) for error in self.errors)


# pydantic's error type -> (what is wrong, what to do); the error's context fills the braces.
_WORDS = {
    "int_type": ("is not a whole number", "Use a whole number, such as {default}."),
    "int_parsing": ("is not a whole number", "Use a whole number, such as {default}."),
    "int_from_float": ("is not a whole number", "Use a whole number, such as {default}."),
    "float_type": ("is not a number", "Use a number, such as {default}."),
    "float_parsing": ("is not a number", "Use a number, such as {default}."),
    "finite_number": ("is not a finite number", "Use a number, such as {default}."),
    "bool_type": ("is neither true nor false", "Use true or false."),
    "bool_parsing": ("is neither true nor false", "Use true or false."),
    "string_type": ("is not text", "Use text; in the file it stands in quotes."),
    "list_type": ("is not a list", "Use a list; outside the file, texts with commas between."),
    "path_type": ("is not a path", "Use the path of a file, as text."),
    "greater_than": ("is not more than {gt}", "Use more than {gt}, such as {default}."),
    "greater_than_equal": ("is less than {ge}", "Use {ge} or more, such as {default}."),
    "less_than_equal": ("is more than {le}", "Use {le} or less, such as {default}."),
    "extra_forbidden": ("is not a setting of it", "Remove it, or correct its name."),
    "missing": ("is missing", "Add it."),
    "model_type": ("is not a table", "Write it as a table: [[{key}]] in the file."),
    "dict_type": ("is not a table", "Write it as a table of names and values."),
    "literal_error": ("is not one of the choices", "Use {expected}."),
}


def explain_invalid(invalid: ValidationError, given: Mapping[str, Given]) -> list[ConfigError]:
    """Return one error per setting that pydantic refused, with the source of its value."""
    errors: dict[str, ConfigError] = {}
    for details in invalid.errors(include_url=False):
        key = _key(details)
        if key in given:  # else a default that could not be computed because of another error
            errors.setdefault(key, _explain(key, details, given[key].source))
    return list(errors.values())


def _key(details: ErrorDetails) -> str:
    # A location goes on into lists: ("auth", "algorithms", 0).
    names = [str(part) for part in details["loc"][:2]]
    return names[0] if names[0] in FIELDS else ".".join(names)


def _explain(key: str, details: ErrorDetails, source: str) -> ConfigError:
    context = {"default": FIELDS[key].default, "key": key} | details.get("ctx", {})
    place = _place(key, details)
    if details["type"] == "setting":
        problem, remedy = place + context["problem"], context["remedy"]
        return ConfigError(key, problem, remedy=remedy, source=source)
    problem, remedy = _WORDS.get(details["type"], ("is not valid", details["msg"]))
    problem = place + _quote(key, details["input"]) + problem.format_map(context)
    return ConfigError(key, problem, remedy=remedy.format_map(context), source=source)


def _place(key: str, details: ErrorDetails) -> str:
    """Return which table of a list is meant, counted from 1, and which of its settings."""
    inside = details["loc"][key.count(".") + 1 :]
    if len(inside) < 2 or not isinstance(inside[0], int):
        return ""
    return f"in table {inside[0] + 1}, {'.'.join(map(str, inside[1:]))} "


def _quote(key: str, value: object) -> str:
    # A key file's path is kept back as well: people put the secret itself there.
    if holds_secret(key) or holds_path(key) or not isinstance(value, str | int | float):
        return ""
    return f"is {value!r}, which "
