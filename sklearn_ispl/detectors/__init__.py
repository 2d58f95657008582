"""Searches for triggers, values and patterns that rows of a class share."""
