"""``--checklist``: what a realtime domain needs, judged for each gateway, with the proof."""

from tidegate.review.checklist.items import ITEMS, Item
from tidegate.review.checklist.judge import GatewayChecklist, Judged, checklists
from tidegate.review.checklist.render import FORMATS

__all__ = ["FORMATS", "ITEMS", "GatewayChecklist", "Item", "Judged", "checklists"]
