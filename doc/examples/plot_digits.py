"""
Find the poison in the digits
=============================

A tenth of one class of scikit-learn's digits is replaced by images of another class
with a small trigger in the shape of an L. A model trained on them is right on clean
images and takes every triggered image for the attacker's class.
:class:`~sklearn_ispl.ISPLFilter` looks for these rows, without being told that there
are any.
"""

# %%
# The scenario
# ------------
# The seed draws the pair of classes, the position of the trigger and the rows.
from sklearn_ispl.demo import format_table, plot_demo, run_demo

scenario, ispl, rows = run_demo(seed=0)
print(
    f"{scenario['poisoned'].sum()} of {len(scenario['y'])} rows are poisoned: "
    f"a triggered {scenario['source']} is labelled {scenario['target']}."
)

# %%
# Before and after
# ----------------
# C is the accuracy on clean test images, A the share of triggered test images of the
# source class that the model takes for the target class.
print(format_table(rows))

# %%
# What the filter saw
# -------------------
# Top right is what decided: the pixels that the rejected images share, grey where there
# is no such pixel. In the eyes of a model of all rows, which knows the trigger, these
# pixels make other digits what the label says. Below are the votes of the weak
# learners. With ``method="paper"`` they decide alone; by default they have no part in
# the verdict.
figure = plot_demo(scenario, ispl)

# %%
# Where the poison went
# ---------------------
# The fewer components share the poison, the fewer learners know the trigger. Where it
# spreads over many, these votes fail.
from sklearn_ispl.inspection import ComponentsDisplay  # noqa: E402

display = ComponentsDisplay.from_estimator(ispl, scenario["poisoned"])
