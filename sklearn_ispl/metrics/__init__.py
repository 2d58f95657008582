"""Measures of attacks and filters, and the quantities of the paper's theory."""

from ._attack import (
    make_backdoor_scorers,
    make_targeted_misclassification_scorer,
    targeted_misclassification_rate,
)
from ._quality import filter_quality
from ._theory import (
    compatibility_margin,
    expansion_error,
    n_estimates_for,
    recovery_probability,
)

__all__ = [
    "compatibility_margin",
    "expansion_error",
    "filter_quality",
    "make_backdoor_scorers",
    "make_targeted_misclassification_scorer",
    "n_estimates_for",
    "recovery_probability",
    "targeted_misclassification_rate",
]
