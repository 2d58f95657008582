"""What a person looks at to understand a filter's verdict."""

from ._displays import ComponentsDisplay, VotesDisplay

__all__ = ["ComponentsDisplay", "VotesDisplay"]
