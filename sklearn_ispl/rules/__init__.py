"""Rules: from votes and evidence to the rows that are kept."""

from ._core import CoreRule
from ._paper import LaterPaperRule, PaperRule

# By the method of a filter.
RULES = {"core": CoreRule, "paper": PaperRule, "paper-2023": LaterPaperRule}

__all__ = ["RULES", "CoreRule", "LaterPaperRule", "PaperRule"]
