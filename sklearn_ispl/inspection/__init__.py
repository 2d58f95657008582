"""What a person looks at to understand a filter's verdict."""

from ._displays import ComponentsDisplay, MarkDisplay, VotesDisplay

__all__ = ["ComponentsDisplay", "MarkDisplay", "VotesDisplay"]
