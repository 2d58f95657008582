"""By how much do the scores of clean classes differ within a set of data?

    python benchmarks/bench_scores.py --data-home DIR --out scores.jsonl
    python benchmarks/bench_scores.py --summary scores.jsonl

`CompatibilitySettings` has the deviation of their cube roots, and the degrees of
freedom that it counts for: what Smyth's estimator (2004) makes of sets without poison.
A run that is cut off goes on where it stopped.
"""

import argparse
import warnings
from unittest.mock import patch

import numpy as np
import torch
from scipy.optimize import brentq
from scipy.special import digamma, polygamma

from _common import append_json, parse_with_results, read_json
from exam import DATA, load, version
from sklearn_ispl import ISPLFilter, _compatibility
from sklearn_ispl._compatibility import TAUGHT, TYPICAL, Measure
from tables import TABLES

# In no list of the exam.
FIRST_SEED = 500
# With fewer than four classes there are no scores.
FEW_CLASSES = ("breast cancer", "wine", "synthetic, 2 ")
MANY_CLASSES = [table for table in TABLES if not table.startswith(FEW_CLASSES)]
SETS = [*(2 * DATA), *MANY_CLASSES]


def prior(variances, n_degrees):
    """Return the deviation, and the degrees of freedom, that variances have in common.

    Parameters
    ----------
    variances : ndarray of shape (n_sets,)
    n_degrees : ndarray of shape (n_sets,)
        Of each variance.

    Returns
    -------
    deviation : float
    n_degrees : float
        Infinite if the variances differ no more than those of samples of one normal.
    """
    half = n_degrees / 2
    logs = np.log(variances) - digamma(half) + np.log(half)
    more = logs.var(ddof=1) - polygamma(1, half).mean()
    if more <= 0:
        return float(np.exp(logs.mean() / 2)), np.inf
    half_prior = brentq(lambda half: polygamma(1, half) - more, 1e-3, 1e6)
    mean = logs.mean() + digamma(half_prior) - np.log(half_prior)
    return float(np.exp(mean / 2)), 2 * half_prior


def scores_of(X, y, seed):
    """Return the scores of all classes, to each question."""
    scores = {}

    class Recorded(Measure):
        def __init__(self, evidence, *args):
            scores[evidence[0].question] = [found.score for found in evidence]
            super().__init__(evidence, *args)

    with patch.object(_compatibility, "Measure", Recorded), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ISPLFilter(random_state=seed, device="cpu").fit(X, y)
    return scores


def main():
    options, path = parse_with_results(argparse.ArgumentParser(description=__doc__))
    torch.set_num_threads(1)
    done = [r["seed"] for r in read_json(path)]
    for seed, name in [] if options.summary else enumerate(SETS, FIRST_SEED):
        if seed not in done:
            X, y, _, _ = load(name, seed, options.data_home)
            for question, scores in scores_of(X, y, seed).items():
                line = {"data": name, "seed": seed, "version": version()}
                append_json(path, {**line, "question": question, "scores": scores})
    for question in (TAUGHT, TYPICAL):
        lines = [line for line in read_json(path) if line["question"] == question]
        roots = [np.cbrt(line["scores"]) for line in lines]
        for line, values in zip(lines, roots):
            mean, deviation = values.mean(), values.std(ddof=1)
            of_set = f"{len(values)} scores, {mean:.2f} +- {deviation:.2f}"
            print(f"{line['data']}: {of_set}")
        variances = np.array([values.var(ddof=1) for values in roots])
        deviation, n_degrees = prior(variances, np.array([len(v) - 1 for v in roots]))
        print(f"{question}: {deviation:.2f}, {n_degrees:.1f} degrees of freedom")


if __name__ == "__main__":
    main()
