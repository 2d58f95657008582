"""What the docstrings of the filters share."""

PARAMETERS = """Parameters
    ----------
    estimator : NeuralNetClassifier or scikit-learn classifier, default=None
        The weak learner, cloned and never modified: any skorch classifier, or any
        classifier with ``partial_fit`` and ``predict_proba``. None means an
        :class:`~sklearn_ispl.modules.MLP` for 2-D X and a
        :class:`~sklearn_ispl.modules.ConvNet` for 4-D X, trained by SGD. Of a skorch
        net, module, criterion, optimizer, lr and batch size count; callbacks, train
        split and iterators do not.

    method : {"core", "paper", "paper-2023"}, default="core"
        The rule that decides. "paper" is the printed one (B.1): keep the rows whose
        label is the modal vote. "paper-2023" is that of the paper's later version,
        which takes some ten times as long: the first iteration of a component trains
        for 8 epochs on all rows left (on half of them for the first component), a fresh
        net trained for 40 epochs on the component votes, 4 % of the rows are in no
        component, a label needs two votes, and self-training goes over all rows 20
        times. "core" rejects groups of rows that are incompatible with all other rows
        and learned from one another, and rows with a trigger in common that turns rows
        of other classes into theirs; see the Notes. All other rows are kept.

    false_alarm_rate : float in (0, 1), default=0.05
        The chance that a clean data set loses a group of rows: the level of the test
        of ``method="core"`` that says whether a group stands out. A smaller rate keeps
        more clean rows, and more poison that is hard to tell.

    alpha : float in (0, 1], default=1/4
        The paper's alpha: share of the current set that a learner is trained on in
        one iteration.

    beta : float in (0, 1], default=1/8
        The paper's beta: size of a component as a share of all rows. There are
        ``round(1 / beta)`` components.

    momentum : float in [0, 1), default=0.9
        The paper's eta, the smoothing of the losses.

    n_repeats : int, default=None
        How often the rows are partitioned anew. Every component of every repeat has a
        learner that votes. None means 3; 1 for ``method="core"``, to which the
        components are groups to test.

    n_iter : int, default=None
        Iterations per component. None means ``2 + min(3, floor(1 / p))`` for the
        target share p of the round.

    n_epochs : int, default=None
        Epochs of training in one iteration. None means 2, as printed; 4 for
        ``method="paper-2023"``; with ``method="core"`` more for more than ten classes,
        twice as many for forty. The learners must stay weak: many epochs let them learn
        a trigger from a handful of rows.

    self_training : bool, default=True
        Whether a model has the last word after the vote of the weak learners. With
        ``method="paper"``, a fresh model is trained on the kept rows and adds the
        rejected rows whose label it predicts; a few poisoned rows among the kept ones
        suffice to bring back all. With ``method="paper-2023"``, rows are kept whose
        label is predicted more often than not by a model that is trained further on the
        rows kept before. Of no effect with ``method="core"``.

    self_training_epochs : int, default=None
        Epochs of these models, and of the three models of ``method="core"``. None
        means 40 for ``method="paper"``, as printed, 5 in each of 20 rounds for
        ``method="paper-2023"``, and 20 for ``method="core"``, and more where rows are
        so few that they would take less than a hundred steps.

    n_jobs : int, default=None
        Repeats, models, and classes searched for triggers, that run at the same time,
        each in a process of one thread. The result does not depend on it.

    device : str, torch.device or None, default="auto"
        "auto" is the net's own device where that is not the CPU, else CUDA where there
        is one, else the CPU; None is the net's own.

    random_state : int, RandomState instance or None, default=None
        Seed of everything random. The global states of NumPy and torch are left as
        they were.

    verbose : bool or int, default=False
        Whether to show a progress bar per repeat, and how long each step took.
    """.rstrip()

ATTRIBUTES = """Attributes
    ----------
    support_ : ndarray of shape (n_rows,), bool
        The rows to keep.

    vote_support_ : ndarray of shape (n_rows,), bool
        The rows whose label is the modal vote. With ``method="core"`` it decides
        nothing.

    poisoned_classes_ : ndarray of shape (n_poisoned_classes,)
        The labels under which rows were rejected, often none. A clean class is among
        them if it lost rows by chance. Only with ``method="core"``.

    triggers_ : ndarray of shape (n_poisoned_classes, ...)
        The triggers that were found in each of `poisoned_classes_`, as a row of X: the
        value where there is a trigger, else NaN. Rows that have it were rejected;
        others of the class may have been for other reasons. All NaN in a class whose
        rows share a pattern blended over the image, or in which none was found.
        Only with ``method="core"``.

    unlearned_classes_ : ndarray of shape (n_unlearned_classes,)
        The labels whose mean probability is less than 0.15 to models that were trained
        on other rows. They have nothing to tell of poison in these classes. Only with
        ``method="core"``.

    evidence_ : list of Evidence
        What is known of the most suspect group of each class, by rising level and
        falling score. Named tuples: `label`; `rows`, their numbers; `proposer`,
        "clusters" or "components"; `question`, whether they are "typical" of other
        classes, or "typical and taught", known to models of other rows all the same;
        `excess`, of how many other classes they are, and the rest of the class is not:
        1/2 or more for each class that poison came from; `taught`, how likely their
        label is to models of other rows; `score`, the excess times the root of n times
        the share of the class that is not in the group, for n rows of the group;
        `level`, the smallest `false_alarm_rate` at which the score stands out from
        those of other classes; `rejected`, whether it does, with an excess of 1/3 at
        least, and all rows that go with it do together, too. Classes of fewer than 16
        rows are left out; it is empty if there are fewer than four classes. `excess`,
        `taught`, `score` and `level` are of the group that stood out; the `rows` of a
        rejected one are all that go with it. Rows that went for a trigger alone are in
        no group. Only with ``method="core"``.

    suspicion_ : ndarray of shape (n_rows,)
        From 0 to 1, to rank rows for review; no probability. From 1/2 for rejected
        rows, 1 for those with a trigger; in either half, how much a row is like the
        most suspect group of its class, times the score of that group as a share of the
        largest to the same question. Only with ``method="core"``.

    agreement_ : ndarray of shape (n_rows,)
        Share of the learners that predict the given label, 0 to 1.

    votes_ : ndarray of shape (n_rows, n_classes), unsigned int
        Number of learners that predict each class.

    predictions_ : ndarray of shape (n_learners, n_rows), unsigned int
        The class that each learner predicts for each row, as a position in
        `classes_`, in the smallest integer type.

    components_ : ndarray of shape (n_repeats, n_rows), int
        The component of each row in each repeat; -1 for the last rows that
        ``method="paper-2023"`` leaves over.

    estimators_ : list of length n_learners
        The weak learners, in the order of `predictions_`. They take float32 rows, and
        scaled ones where X had to be scaled (see `fit`).

    classes_ : ndarray of shape (n_classes,)
        The labels.

    n_features_in_ : int
        Number of features, or of channels for 4-D X.

    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, where X has names that are all strings.
    """.rstrip()

REFERENCES = """References
    ----------
    C. Jin, M. Sun, M. Rinard, "Provable Guarantees against Data Poisoning Using
    Self-Expansion and Compatibility", arXiv:2105.03692v1, appendix B.1; for
    ``method="paper-2023"`` its later version, "Incompatibility Clustering as a Defense
    Against Backdoor Poisoning Attacks", ICLR 2023.
    """.rstrip()


def complete_docstring(cls):
    """Write what the filters share into their docstrings."""
    for name, text in {
        "{parameters}": PARAMETERS,
        "{attributes}": ATTRIBUTES,
        "{references}": REFERENCES,
    }.items():
        cls.__doc__ = cls.__doc__.replace(name, text)
    return cls
