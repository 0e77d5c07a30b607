"""Tries what a gateway needs, before it is started; changes nothing anywhere."""

from tidegate.doctor.examination import examine
from tidegate.doctor.finding import Finding

__all__ = ["Finding", "examine"]
