"""What a person looks at to understand a filter's verdict."""

from ._displays import ComponentsDisplay, TriggerDisplay, VotesDisplay

__all__ = ["ComponentsDisplay", "TriggerDisplay", "VotesDisplay"]
