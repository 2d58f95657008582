"""Tables without poison, clean and noisy: what a filter loses on them is a mistake."""

import numpy as np
from sklearn import datasets
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

BUNDLED = {
    "breast cancer": datasets.load_breast_cancer,
    "wine": datasets.load_wine,
    "digits as a table": datasets.load_digits,
}
# Classes, and the share of labels flipped.
SYNTHETIC = {
    f"synthetic, {n_classes} classes, {flipped:.0%} flipped": (n_classes, flipped)
    for n_classes in (2, 5, 20)
    for flipped in (0.0, 0.02, 0.05)
}
TABLES = [*BUNDLED, *SYNTHETIC]


def load_table(name, seed):
    """Return X_train, y_train, X_test, y_test, standardised, by the seed's split."""
    if name in BUNDLED:
        X, y = BUNDLED[name](return_X_y=True)
    else:
        n_classes, flipped = SYNTHETIC[name]
        X, y = datasets.make_classification(
            5000,
            30,
            n_informative=12,
            n_classes=n_classes,
            flip_y=flipped,
            random_state=seed,
        )
    X, X_test, y, y_test = train_test_split(
        X, y, test_size=0.25, stratify=y, random_state=seed
    )
    scaler = StandardScaler().fit(X)
    return (
        scaler.transform(X).astype(np.float32),
        y,
        scaler.transform(X_test).astype(np.float32),
        y_test,
    )
