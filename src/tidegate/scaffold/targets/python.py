"""The Python target."""

from __future__ import annotations

from tidegate.errors import TemplateError
from tidegate.scaffold.domain import Domain
from tidegate.scaffold.plan import PlannedFile, ProjectView

__all__ = ["files"]


def files(domain: Domain, project: ProjectView) -> list[PlannedFile]:
    """Return the files of a domain."""
    raise TemplateError("the Python target is not built yet")
