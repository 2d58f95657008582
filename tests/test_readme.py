"""The README's example runs as it is printed."""

import re
from itertools import takewhile
from pathlib import Path
from textwrap import dedent

README = Path(__file__).parents[1] / "README.rst"


def whole_example():
    text = README.read_text().split("A whole example")[1]
    lines = text.split(".. code-block:: python\n")[1].splitlines()
    return dedent("\n".join(takewhile(lambda line: line[:4].strip() == "", lines)))


def test_the_whole_example_prints_what_the_readme_says(capsys):
    exec(compile(whole_example(), str(README), "exec"), {})
    labels, poison, clean = capsys.readouterr().out.splitlines()
    assert labels == "labels with poison: [4]"
    assert poison == "0 of 18 poisoned rows kept"
    kept = re.fullmatch(r"(\d+\.\d)% of the clean rows kept", clean)
    assert float(kept[1]) > 99
    assert labels in README.read_text() and poison in README.read_text()
