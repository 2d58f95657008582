"""Filter backdoor-poisoned rows out of a training set, the scikit-learn way."""

from ._filter import FilteredClassifier, ISPLFilter, ISPLSampler
from .ispl._partitioner import ISPLPartitioner
from .ispl._self_paced import InverseSelfPacedLearner
from .ispl._voter import BoostedHomogeneousVoter

__version__ = "0.1.0.dev0"

__all__ = [
    "BoostedHomogeneousVoter",
    "FilteredClassifier",
    "ISPLFilter",
    "ISPLPartitioner",
    "ISPLSampler",
    "InverseSelfPacedLearner",
]
