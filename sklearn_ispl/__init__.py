"""Filter backdoor-poisoned rows out of a training set, the scikit-learn way."""

from ._filter import FilteredClassifier, ISPLFilter, ISPLSampler
from ._ispl import InverseSelfPacedLearner
from ._partitioner import ISPLPartitioner
from ._voter import BoostedHomogeneousVoter

__version__ = "0.1.0.dev0"

__all__ = [
    "BoostedHomogeneousVoter",
    "FilteredClassifier",
    "ISPLFilter",
    "ISPLPartitioner",
    "ISPLSampler",
    "InverseSelfPacedLearner",
]
