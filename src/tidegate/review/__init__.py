"""``tidegate review``: finds realtime mistakes in code that others wrote, without running it."""

from tidegate.review.diagnostic import Finding, Note
from tidegate.review.registry import Rule, all_rules, rule_named
from tidegate.review.run import Options, Report, review

__all__ = ["Finding", "Note", "Options", "Report", "Rule", "all_rules", "review", "rule_named"]
