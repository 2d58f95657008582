# Every target starts from nothing but Python and pip.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin

.PHONY: demo test test-slow test-oldest lint bench docs constraints clean

# The pinned versions, and a CPU build of torch where the index has one.
$(VENV)/.%: setup.cfg constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[$*]"
	touch $@

demo: $(VENV)/.plot
	$(BIN)/python -m sklearn_ispl.demo --output demo.png

lint: $(VENV)/.tests
	$(BIN)/python -m flake8 sklearn_ispl tests benchmarks doc setup.py

test: lint
	$(BIN)/python -m pytest -n auto --dist worksteal --cov --cov-report=term:skip-covered

test-slow: $(VENV)/.tests
	$(BIN)/python -m pytest -m slow

# With the oldest versions that setup.cfg allows, but for torch, which stays as pinned.
test-oldest:
	$(PYTHON) -m venv build/oldest
	(grep '^torch==' constraints.txt; sed -n '/torch/d; s/^    \([a-z-]*\)>=/\1==/p' \
	    setup.cfg) > build/oldest.txt
	build/oldest/bin/python -m pip install --quiet -c build/oldest.txt -e ".[tests]"
	build/oldest/bin/python -m pytest -n auto --dist worksteal

bench: $(VENV)/.benchmarks
	cd benchmarks && $(abspath $(BIN))/python -m pytest -c ../setup.cfg --rootdir . -p no:xdist test_ratios.py

docs: $(VENV)/.docs
	$(BIN)/python -m sphinx -W --keep-going -b html doc doc/_build/html

# The newest versions that go together, but for torch, which stays as it is pinned.
constraints:
	$(PYTHON) -m venv build/constraints
	grep '^torch==' constraints.txt > build/torch.txt
	build/constraints/bin/python -m pip install --quiet -c build/torch.txt -e ".[all]"
	(head -1 constraints.txt; build/constraints/bin/python -m pip freeze \
	    --exclude-editable | sed 's/+.*//' | sort -f) > build/constraints.txt
	mv build/constraints.txt constraints.txt

clean:
	rm -rf $(VENV) build dist *.egg-info doc/_build doc/auto_examples doc/generated demo.png
