"""Writes a new realtime domain; knows nothing of the runtime whose API the written code uses."""

from tidegate.scaffold.answers import Answers, domain_from
from tidegate.scaffold.domain import Domain, EventShape, RoomShape
from tidegate.scaffold.fields import Field, ObjectShape
from tidegate.scaffold.names import Names
from tidegate.scaffold.plan import MemoryProject, Plan, PlannedFile, ProjectView, plan
from tidegate.scaffold.render import render

__all__ = [
    "Answers",
    "Domain",
    "EventShape",
    "Field",
    "MemoryProject",
    "Names",
    "ObjectShape",
    "Plan",
    "PlannedFile",
    "ProjectView",
    "RoomShape",
    "domain_from",
    "plan",
    "render",
]
