"""Searches for marks, values and patterns that rows of a class share."""
