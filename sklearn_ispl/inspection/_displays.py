"""Displays: they store arrays, `plot` draws them, `from_estimator` does both."""

from itertools import cycle
from numbers import Integral

import numpy as np
from sklearn.utils.validation import check_is_fitted

from .._validation import check_labels, check_mask

# Blue and red for two groups; more of them get the others in turn.
_COLORS = ("tab:blue", "tab:red", "tab:green", "tab:orange", "tab:purple", "tab:gray")


def _axes(ax):
    """Return the given axes, or those of a new figure."""
    if ax is not None:
        return ax
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise ImportError(
            'Plotting needs matplotlib: pip install "sklearn-ispl[plot]".'
        ) from error
    return plt.subplots()[1]


class TriggerDisplay:
    """A trigger, which gives poisoned rows of a class away.

    Parameters
    ----------
    trigger : ndarray of shape (n_channels, height, width) or (n_features,)
        Values that poisoned rows of a class share, NaN where they share none.
        Other rows of the class may have been rejected for other reasons.

    label : object
        Of the class.

    names : list of length n_features, default=None
        Of the features of a table; None means their numbers.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The axes drawn to.

    figure_ : matplotlib Figure
        Their figure.

    See Also
    --------
    VotesDisplay : How many learners agree with the given labels.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn_ispl import ISPLFilter
    >>> from sklearn_ispl.datasets import make_dirty_label_backdoor
    >>> from sklearn_ispl.inspection import TriggerDisplay
    >>> X, y = load_digits(return_X_y=True)
    >>> X = X.reshape(-1, 1, 8, 8)
    >>> X, y, _, _ = make_dirty_label_backdoor(X, y, source=7, target=4, random_state=0)
    >>> ispl = ISPLFilter(self_training_epochs=5, random_state=0).fit(X, y)
    >>> TriggerDisplay.from_estimator(ispl, 4).trigger.shape
    (1, 8, 8)
    """

    def __init__(self, trigger, label, names=None):
        self.trigger = trigger
        self.label = label
        self.names = names

    @classmethod
    def from_estimator(cls, estimator, label, *, ax=None):
        """Draw the trigger of a class, from a fitted filter.

        Parameters
        ----------
        estimator : ISPLFilter or ISPLSampler
            Fitted with ``method="core"`` and self-training.

        label : object
            One of the labels in `poisoned_classes_`.

        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        display : TriggerDisplay

        Raises
        ------
        ValueError
            If the filter did not look for triggers, or rejected no row of this label.
        """
        check_is_fitted(estimator)
        if not hasattr(estimator, "triggers_"):
            raise ValueError(
                f"This {type(estimator).__name__} has no triggers_: give an ISPLFilter "
                'or ISPLSampler fitted with method="core" and self_training=True.'
            )
        found = np.flatnonzero(estimator.poisoned_classes_ == label)
        if not len(found):
            raise ValueError(
                f"No row labelled {label!r} was rejected; poisoned_classes_ has "
                f"{estimator.poisoned_classes_.tolist()}."
            )
        names = getattr(estimator, "feature_names_in_", None)
        names = None if names is None else list(names)
        return cls(estimator.triggers_[found[0]], label, names).plot(ax)

    def plot(self, ax=None):
        """Draw the trigger: of images, as one that is grey where the trigger is not.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        self : TriggerDisplay
        """
        self.ax_ = _axes(ax)
        self.figure_ = self.ax_.figure
        title = f"trigger in {self.label}"
        if np.isnan(self.trigger).all():
            title = f"no values shared in {self.label}"
        self.ax_.set_title(title)
        if self.trigger.ndim == 3:
            self.ax_.imshow(_as_picture(self.trigger))
            self.ax_.axis("off")
        else:
            features = np.flatnonzero(~np.isnan(self.trigger))
            names = features if self.names is None else np.take(self.names, features)
            self.ax_.barh([str(name) for name in names], self.trigger[features])
            self.ax_.set(xlabel="value", ylabel="feature")
        return self


def _as_picture(trigger):
    """Return a trigger as red, green and blue, between 0 and 1."""
    low, high = np.nanmin(trigger, initial=0), np.nanmax(trigger, initial=1)
    trigger = (trigger - low) / (high - low)
    if len(trigger) != 3:
        trigger = np.repeat(trigger.mean(axis=0, keepdims=True), 3, axis=0)
    return np.nan_to_num(trigger.transpose(1, 2, 0), nan=0.5)


class VotesDisplay:
    """Histogram of how many learners agree with the given labels.

    Parameters
    ----------
    agreement : ndarray of shape (n_rows,)
        Share of the learners that predict the given label.

    groups : dict of str to ndarray of shape (n_rows,), bool
        Name and mask of each histogram.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The axes drawn to.

    figure_ : matplotlib Figure
        Their figure.

    See Also
    --------
    ComponentsDisplay : How the rows spread over components.
    TriggerDisplay : The values that poisoned rows share.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn_ispl import ISPLFilter
    >>> from sklearn_ispl.inspection import VotesDisplay
    >>> X, y = load_digits(return_X_y=True)
    >>> ispl = ISPLFilter(method="paper", self_training=False, random_state=0).fit(X, y)
    >>> display = VotesDisplay.from_estimator(ispl)
    """

    def __init__(self, agreement, groups):
        self.agreement = agreement
        self.groups = groups

    @classmethod
    def from_estimator(cls, estimator, *, poisoned=None, ax=None):
        """Draw the votes of a fitted filter.

        Parameters
        ----------
        estimator : ISPLFilter, ISPLSampler or BoostedHomogeneousVoter
            Fitted.

        poisoned : array-like of shape (n_rows,), bool, default=None
            Which rows are known to be poisoned. Then clean and poisoned rows are
            shown, else kept and rejected ones.

        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        display : VotesDisplay

        Raises
        ------
        ValueError
            If `poisoned` is no mask, or of another length.
        """
        check_is_fitted(estimator)
        if poisoned is None:
            kept = estimator.get_support()
            groups = {"kept": kept, "rejected": ~kept}
        else:
            n_rows = len(estimator.agreement_)
            poisoned = check_mask(poisoned, "poisoned", n_rows)
            groups = {"clean": ~poisoned, "poisoned": poisoned}
        return cls(estimator.agreement_, groups).plot(ax)

    def plot(self, ax=None):
        """Draw the histograms, each as shares of its group.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        self : VotesDisplay

        Raises
        ------
        ValueError
            If the mask of a group is none, or of another length.
        """
        n_rows = len(self.agreement)
        groups = {
            name: check_mask(mask, f"groups[{name!r}]", n_rows)
            for name, mask in self.groups.items()
        }
        self.ax_ = _axes(ax)
        self.figure_ = self.ax_.figure
        bins = np.linspace(0, 1, 26)
        for (name, mask), color in zip(groups.items(), cycle(_COLORS)):
            self.ax_.hist(
                self.agreement[mask],
                bins,
                weights=np.full(mask.sum(), 1 / max(1, mask.sum())),
                alpha=0.6,
                color=color,
                label=f"{name} ({mask.sum()} rows)",
            )
        self.ax_.set(
            xlabel="share of learners that predict the given label",
            ylabel="share of the rows",
        )
        # Above the axes, since any bar may be the highest.
        self.ax_.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=2)
        return self


class ComponentsDisplay:
    """Heat map of how a group of rows, or every label, spreads over components.

    Parameters
    ----------
    counts : ndarray of shape (n_groups, n_components)
        Rows of each group in each component.

    names : list of length n_groups
        The groups.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The axes drawn to.

    figure_ : matplotlib Figure
        Their figure.

    See Also
    --------
    VotesDisplay : How many learners agree with the given labels.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn_ispl import ISPLFilter
    >>> from sklearn_ispl.inspection import ComponentsDisplay
    >>> X, y = load_digits(return_X_y=True)
    >>> ispl = ISPLFilter(method="paper", self_training=False, random_state=0).fit(X, y)
    >>> ComponentsDisplay.from_estimator(ispl, y).counts.shape
    (10, 8)
    """

    def __init__(self, counts, names):
        self.counts = counts
        self.names = names

    @classmethod
    def from_estimator(cls, estimator, groups, *, repeat=0, ax=None):
        """Count and draw the rows of groups in the components of a fitted filter.

        Parameters
        ----------
        estimator : ISPLFilter, ISPLSampler, BoostedHomogeneousVoter or ISPLPartitioner
            Fitted. The last two have one partition.

        groups : array-like of shape (n_rows,)
            The group of each row: the labels, or which rows are known to be poisoned.

        repeat : int, default=0
            Which of the partitions, from 0.

        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        display : ComponentsDisplay

        Raises
        ------
        ValueError
            If the estimator has no components, there is no such partition, or `groups`
            is of another length or no column of labels.
        """
        components = _components_of(estimator, repeat)
        (groups,) = check_labels(groups=groups)
        if len(groups) != len(components):
            raise ValueError(
                f"groups has {len(groups)} rows, but {type(estimator).__name__} was "
                f"fitted to {len(components)}. Give the group of each of them."
            )
        names, groups = np.unique(groups, return_inverse=True)
        counts = np.zeros((len(names), components.max() + 1), dtype=int)
        placed = components >= 0
        np.add.at(counts, (groups[placed], components[placed]), 1)
        return cls(counts, names.tolist()).plot(ax)

    def plot(self, ax=None):
        """Draw the counts, coloured by their share of the group.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        self : ComponentsDisplay
        """
        self.ax_ = _axes(ax)
        self.figure_ = self.ax_.figure
        shares = self.counts / self.counts.sum(axis=1, keepdims=True)
        self.ax_.imshow(shares, cmap="Blues", vmin=0, aspect="auto")
        for (group, component), count in np.ndenumerate(self.counts):
            self.ax_.text(component, group, count, ha="center", va="center")
        self.ax_.set(xlabel="component, in the order found", ylabel="group")
        self.ax_.set_yticks(range(len(self.names)), self.names)
        return self


def _components_of(estimator, repeat):
    """Return the component of each row in one of an estimator's partitions."""
    check_is_fitted(estimator)
    found = getattr(estimator, "components_", getattr(estimator, "labels_", None))
    if found is None:
        raise ValueError(
            f"This {type(estimator).__name__} has no components_: give an ISPLFilter, "
            "ISPLSampler, BoostedHomogeneousVoter or ISPLPartitioner."
        )
    partitions = np.atleast_2d(found)
    if not isinstance(repeat, Integral) or not 0 <= repeat < len(partitions):
        raise ValueError(
            f"repeat={repeat!r} is no partition of this {type(estimator).__name__}; "
            f"give an integer from 0 to {len(partitions) - 1}."
        )
    return partitions[repeat]
