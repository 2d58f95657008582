import subprocess
import sys

from sklearn_ispl.demo import make_scenario, run_demo


def test_demo_writes_table_and_picture(tmp_path):
    picture = tmp_path / "demo.png"
    done = subprocess.run(
        [sys.executable, "-m", "sklearn_ispl.demo", "--output", picture],
        capture_output=True,
        text=True,
        check=True,
    )
    for word in ("undefended", "filtered", "clean", "poison kept", "seconds"):
        assert word in done.stdout
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert "repeat 3/3" in done.stderr


def test_scenario_is_a_tenth_of_the_target_class():
    scenario = make_scenario(seed=3)
    y, poisoned = scenario["y"], scenario["poisoned"]
    assert poisoned.sum() == round(0.1 * (y == scenario["target"]).sum())
    assert len(scenario["X"]) == 1347


def test_demo_measures_what_it_says():
    scenario, ispl, (undefended, filtered, clean) = run_demo(seed=0, method="paper")
    poisoned, kept = scenario["poisoned"], ispl.get_support()
    assert undefended["A"] > 0.8 and clean["A"] < 0.05
    assert undefended["poison_kept"] == poisoned.sum()
    assert filtered["poison_kept"] == (poisoned & kept).sum()
    assert filtered["clean_kept"] == (~poisoned & kept).sum()
    assert clean["poison_kept"] == 0
