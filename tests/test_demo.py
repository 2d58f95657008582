import re
import subprocess
import sys

import numpy as np
import pytest

from sklearn_ispl import ISPLFilter
from sklearn_ispl.demo import format_table, make_scenario, plot_demo


def test_demo_writes_table_and_picture(tmp_path):
    picture = tmp_path / "demo.png"
    done = subprocess.run(
        [sys.executable, "-m", "sklearn_ispl.demo", "--output", picture],
        capture_output=True,
        text=True,
        check=True,
    )
    table = done.stdout[done.stdout.index("\nmodel ") + 1 :]
    header, *rows = table.splitlines()[:4]
    assert header == format_table([])
    names, C, A, poison = zip(*(re.split(r"[ %]+", row)[:4] for row in rows))
    assert names == ("undefended", "filtered", "clean") and min(map(float, C)) > 95
    assert float(A[0]) > 80 and float(A[1]) < 5 and float(A[2]) < 5
    assert poison == (str(make_scenario(seed=0)["poisoned"].sum()), "0", "0")
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert "repeat 1/1" in done.stderr


def test_scenario_is_a_tenth_of_the_target_class():
    scenario = make_scenario(seed=3)
    y, poisoned = scenario["y"], scenario["poisoned"]
    assert poisoned.sum() == round(0.1 * (y == scenario["target"]).sum())
    assert len(scenario["X"]) == 1347


@pytest.mark.parametrize("found", [True, False])
def test_the_picture_shows_the_triggers_that_decided(found):
    pytest.importorskip("matplotlib")
    scenario = make_scenario(seed=0)
    X, y = scenario["X"], scenario["y"]
    ispl = ISPLFilter(method="paper", self_training=False, random_state=0).fit(X, y)
    if found:
        ispl.poisoned_classes_ = np.array([4, 7])
        ispl.triggers_ = np.full((2, 1, 8, 8), np.nan)
        ispl.triggers_[0, :, 2:4] = 1
    figure = plot_demo(scenario, ispl)
    _, reasons = figure.subfigs
    triggers, _ = reasons.subfigs
    titles = [axis.get_title() for axis in triggers.axes]
    drawn = [len(axis.images) for axis in triggers.axes]
    said = ["trigger in 4", "no values shared in 7:\na false alarm", "", ""]
    assert titles == (said if found else [""] * 4)
    assert drawn == ([1, 1, 0, 0] if found else [0] * 4)
    assert bool(triggers.get_suptitle()) == found
