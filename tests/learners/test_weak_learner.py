import numpy as np
import pytest
import torch
from sklearn.linear_model import SGDClassifier, SGDRegressor
from sklearn.naive_bayes import GaussianNB
from sklearn.neural_network import MLPClassifier
from skorch import NeuralNetClassifier, NeuralNetRegressor
from torch import nn

from conftest import make_net
from sklearn_ispl.learners._inference import (
    as_vectors,
    for_inference,
    forward,
    last_and_middle,
    predict_codes,
    probabilities,
)
from sklearn_ispl.learners._settings import one_thread
from sklearn_ispl.learners._weak_learner import (
    cross_entropy,
    isolated_seed,
    make_learner,
    resolve_device,
    shuffled_batches,
)
from sklearn_ispl.modules import MLP, ConvNet


class ProbabilityNet(ConvNet):
    """What skorch's default criterion expects."""

    def forward(self, X):
        return super().forward(X).softmax(dim=1)


LEARNERS = {
    "default": None,
    "skorch": make_net(),
    "skorch, probabilities": make_net(module=ProbabilityNet, criterion=nn.NLLLoss),
    "sgd": SGDClassifier(loss="log_loss"),
    "mlp": MLPClassifier(hidden_layer_sizes=16, batch_size=16),
}


@pytest.fixture(params=LEARNERS, ids=str)
def learner(request, digits, device):
    X, y = digits
    if device == "cuda" and request.param in ("sgd", "mlp"):
        pytest.skip("scikit-learn classifiers run on the CPU")
    return make_learner(LEARNERS[request.param], X, y.astype(np.int64), 10, device)


def test_learner_learns(learner):
    rows = np.arange(360)
    learner.start(seed=0)
    learner.train(rows, 1)
    first_losses, _ = learner.score(rows)
    learner.train(rows, 20)
    losses, codes = learner.score(rows)
    assert losses.shape == codes.shape == (360,)
    assert losses.mean() < first_losses.mean()
    assert np.mean(codes == learner_labels(learner)) > 0.8


def learner_labels(learner):
    return np.asarray(torch.as_tensor(learner.y).cpu())


def test_learner_follows_its_seed_alone(learner):
    def losses(seed):
        torch.rand(3)
        np.random.rand()
        learner.start(seed)
        learner.train(np.arange(100), 2)
        return learner.score(np.arange(360))[0]

    np.testing.assert_array_equal(losses(5), losses(5))
    assert not np.array_equal(losses(5), losses(6))


def test_learner_leaves_the_global_random_states(learner):
    torch.manual_seed(3)
    np.random.seed(3)
    expected = torch.rand(4), np.random.rand(4)
    torch.manual_seed(3)
    np.random.seed(3)
    learner.start(0)
    learner.train(np.arange(50), 1)
    learner.score(np.arange(50))
    assert torch.equal(torch.rand(4), expected[0])
    np.testing.assert_array_equal(np.random.rand(4), expected[1])


def test_kept_learner_predicts_what_it_scored(learner, digits):
    learner.start(seed=0)
    learner.train(np.arange(360), 3)
    _, codes = learner.score(np.arange(360))
    np.testing.assert_array_equal(predict_codes(learner.finish(), digits[0]), codes)


def test_losses_are_minus_the_log_of_the_given_class(learner, digits):
    learner.start(seed=0)
    learner.train(np.arange(360), 3)
    losses, _ = learner.score(np.arange(20))
    if isinstance(learner.estimator_, NeuralNetClassifier):
        proba = learner.estimator_.predict_proba(digits[0][:20])
    else:
        proba = learner.estimator_.predict_proba(digits[0][:20].reshape(20, -1))
    expected = -np.log(proba[np.arange(20), digits[1][:20]])
    np.testing.assert_allclose(losses, expected, rtol=1e-3, atol=1e-5)


def test_features_are_of_every_row_and_leave_the_learner_alone(learner, digits):
    rows = np.arange(0, 360, 3)
    learner.start(0)
    learner.train(np.arange(360), 3)
    of_some_rows = learner.look_inside(rows[::2])
    for inside, of_some in zip(learner.look_inside(rows), of_some_rows):
        assert inside.shape[0] == len(rows) and inside.ndim == 2
        np.testing.assert_allclose(inside[::2], of_some, atol=1e-4)
    before = learner.score(rows)[0]
    np.testing.assert_array_equal(learner.score(rows)[0], before)


def test_features_are_what_the_last_layer_is_given(digits):
    learner = make_learner(make_net(), *digits, 10, "cpu")
    learner.start(0)
    learner.train(np.arange(360), 2)
    head = learner.estimator_.module_[-1]
    output = head(torch.as_tensor(learner.look_inside(np.arange(360))[0])).argmax(1)
    np.testing.assert_array_equal(output, learner.score(np.arange(360))[1])
    assert not head._forward_pre_hooks


def test_half_way_is_what_the_middle_layer_with_weights_is_given(digits):
    learner = make_learner(make_net(), *digits, 10, "cpu")
    learner.start(0)
    learner.train(np.arange(360), 2)
    net = learner.estimator_.module_.eval()
    last, middle = last_and_middle(net)
    given = []
    handle = middle.register_forward_pre_hook(lambda _, X: given.append(X[0]))
    with torch.inference_mode():
        net(learner.X)
    handle.remove()
    _, activations = learner.look_inside(np.arange(360))
    expected = as_vectors(given[0]).numpy()
    np.testing.assert_allclose(activations, expected, rtol=1e-3, atol=1e-4)
    assert middle is not last and not middle._forward_pre_hooks


@pytest.mark.parametrize("n_rows, expected", [(40, 50), (400, 8), (320, 8)])
def test_few_rows_take_more_epochs(digits, n_rows, expected):
    learner = make_learner(make_net(batch_size=20), *digits, 10, "cpu")
    assert learner.epochs_for(n_rows, 8) == expected
    learner = make_learner(GaussianNB(), *digits, 10, "cpu")
    assert learner.epochs_for(n_rows, 8) == 8


@pytest.mark.parametrize("n_rows", [1, 2, 3, 8, 9, 17, 100])
@pytest.mark.parametrize("batch_size", [1, 2, 8, 1000])
def test_batches_cover_the_rows_and_never_hold_one(n_rows, batch_size):
    rows = torch.arange(n_rows) + 5
    batches = shuffled_batches(rows, batch_size)
    sizes = [len(batch) for batch in batches]
    assert max(sizes) <= max(batch_size, 3) and min(sizes) >= 2
    assert sorted(set(torch.cat(batches).tolist())) == rows.tolist()


@pytest.mark.parametrize("n_rows", [1, 17, 33])
def test_one_row_too_many_does_not_break_batch_norm(n_rows):
    X = np.random.RandomState(0).normal(size=(40, 6)).astype(np.float32)
    y = np.arange(40) % 2
    learner = make_learner(make_net(module=MLP, batch_size=16), X, y, 2, "cpu")
    learner.start(0)
    learner.train(np.arange(n_rows), 2)
    assert np.isfinite(learner.score(np.arange(40))[0]).all()


@pytest.mark.parametrize("batch_size", [0, -2, None, 2.5])
def test_batches_of_no_size_are_an_error(digits, batch_size):
    with pytest.raises(ValueError, match=f"has batch_size={batch_size}. It must be"):
        make_learner(make_net(batch_size=batch_size), *digits, 10, "cpu")


@pytest.mark.parametrize("net", [NeuralNetRegressor(ConvNet), SGDRegressor()])
def test_a_regressor_is_an_error(digits, net):
    with pytest.raises(TypeError, match="estimator is a regressor .*Pass a classifier"):
        make_learner(net, *digits, 10, "cpu")


@pytest.mark.parametrize("device", ["meta", torch.device("meta"), "xpu"])
def test_a_device_that_cannot_compute_is_an_error(digits, device):
    with pytest.raises(ValueError, match="cannot be used here.*Use device"):
        make_learner(None, *digits, 10, device)


def test_user_net_is_cloned_and_never_modified(digits):
    X, y = digits
    net = make_net(callbacks=[], max_epochs=3)
    before = {name: repr(value) for name, value in net.get_params(deep=False).items()}
    learner = make_learner(net, X, y, 10, "cpu")
    learner.start(0)
    learner.train(np.arange(50), 1)
    after = {name: repr(value) for name, value in net.get_params(deep=False).items()}
    assert before == after
    assert not net.initialized_
    assert learner.estimator_.module_[1].out_channels == 8


class DropoutNet(nn.Module):
    """A module with fixed sizes, as users have them."""

    def __init__(self, hidden=12):
        super().__init__()
        self.body = nn.Sequential(
            nn.Flatten(), nn.Linear(64, hidden), nn.ReLU(), nn.Dropout(0.5)
        )
        self.head = nn.Linear(hidden, 10)

    def forward(self, X):
        return self.head(self.body(X))


@pytest.mark.parametrize("optimizer", [torch.optim.Adam, torch.optim.LBFGS])
@pytest.mark.parametrize("batch_size", [32, -1])
def test_user_module_and_optimizer_are_used(digits, optimizer, batch_size):
    X, y = digits
    net = NeuralNetClassifier(
        DropoutNet,
        module__hidden=7,
        criterion=nn.CrossEntropyLoss,
        optimizer=optimizer,
        batch_size=batch_size,
    )
    learner = make_learner(net, X, y, 10, "cpu")
    learner.start(0)
    learner.train(np.arange(100), 1)
    assert isinstance(learner.estimator_.optimizer_, optimizer)
    assert learner.estimator_.module_.head.in_features == 7


def test_module_instance_and_class_weights_work(digits):
    X, y = digits
    net = NeuralNetClassifier(
        DropoutNet(),
        criterion=nn.CrossEntropyLoss,
        criterion__weight=torch.ones(10) / 2,
    )
    learner = make_learner(net, X, y, 10, "cpu")
    learner.start(0)
    losses, _ = learner.score(np.arange(20))
    # The weights are the training's business: the rows' losses stay comparable.
    output = forward(for_inference(learner.estimator_), torch.as_tensor(X[:20]))
    expected = nn.functional.cross_entropy(output, torch.as_tensor(y[:20]))
    np.testing.assert_allclose(losses.mean(), expected, rtol=1e-5)


@pytest.mark.parametrize("n_outputs", [9, 11])
def test_wrong_output_size_is_an_error(digits, n_outputs):
    X, y = digits
    learner = make_learner(make_net(module__n_classes=n_outputs), X, y, 10, "cpu")
    with pytest.raises(ValueError, match="10 classes: give its last layer 10 outputs"):
        learner.start(0)


def test_logits_under_a_criterion_for_probabilities_are_an_error(digits):
    learner = make_learner(make_net(criterion=nn.NLLLoss), *digits, 10, "cpu")
    with pytest.raises(ValueError, match="Use criterion=torch.nn.CrossEntropyLoss"):
        learner.start(0)


def test_divergence_is_an_error(digits):
    X, y = digits
    learner = make_learner(make_net(lr=1e30), X, y, 10, "cpu")
    learner.start(0)
    learner.train(np.arange(100), 3)
    with pytest.raises(ValueError, match="turned NaN.*estimator__lr"):
        learner.score(np.arange(20))


def test_three_dimensional_x_needs_an_estimator(digits):
    with pytest.raises(ValueError, match=r"X has 3 dimensions.*X\[:, None\]"):
        make_learner(None, digits[0][:, 0], digits[1], 10, "cpu")


@pytest.mark.parametrize("shape, module", [((200, 5), MLP), ((200, 3, 8, 12), ConvNet)])
def test_default_net_is_sized_to_the_data(shape, module):
    X = np.random.RandomState(0).normal(size=shape).astype(np.float32)
    learner = make_learner(None, X, np.arange(200) % 4, 4, "cpu")
    learner.start(0)
    assert isinstance(learner.estimator_.module_, module)
    assert learner.score(np.arange(10))[1].max() < 4


@pytest.mark.skipif(torch.cuda.is_available(), reason="a CUDA device is here")
def test_missing_gpu_is_an_error():
    with pytest.raises(ValueError, match="'cuda' was asked for, but torch finds no"):
        resolve_device("cuda")


def test_unknown_device_is_an_error():
    with pytest.raises(ValueError, match="device='toaster' is not a torch device"):
        resolve_device("toaster")


@pytest.mark.parametrize(
    "device, net_device, expected",
    [
        ("cpu", "meta", "cpu"),
        ("auto", "meta", "meta"),
        (None, "meta", "meta"),
        (None, None, "cpu"),
        ("auto", "cpu", "cuda" if torch.cuda.is_available() else "cpu"),
    ],
)
def test_resolve_device(device, net_device, expected):
    assert resolve_device(device, net_device).type == expected


def test_one_thread_restores_the_setting():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        with pytest.raises(KeyError), one_thread():
            assert torch.get_num_threads() == 1
            raise KeyError
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_isolated_seed_restores_states_after_an_error():
    torch.manual_seed(0)
    before = torch.get_rng_state()
    with pytest.raises(KeyError), isolated_seed(1, torch.device("cpu")):
        torch.rand(1)
        raise KeyError
    assert torch.equal(torch.get_rng_state(), before)


def test_interrupt_stops_the_training(digits, monkeypatch):
    class Interrupting(DropoutNet):
        def forward(self, X):
            raise KeyboardInterrupt

    net = NeuralNetClassifier(Interrupting, criterion=nn.CrossEntropyLoss)
    learner = make_learner(net, *digits, 10, "cpu")
    monkeypatch.setattr("sklearn_ispl.learners._weak_learner.forward", forward_of_zeros)
    learner.start(0)
    with pytest.raises(KeyboardInterrupt):
        learner.train(np.arange(50), 1)


def forward_of_zeros(net, X):
    return torch.zeros(len(X), 10)


class OwnStep(NeuralNetClassifier):
    n_steps = 0

    def train_step_single(self, batch, **fit_params):
        self.n_steps += 1
        return super().train_step_single(batch, **fit_params)


@pytest.mark.parametrize("optimizer", [torch.optim.SGD, torch.optim.LBFGS])
def test_short_step_is_the_step_of_skorch(digits, optimizer):
    X, y = digits
    short, own = (
        make_learner(
            cls(MLP, criterion=nn.CrossEntropyLoss, optimizer=optimizer, lr=0.1),
            X.reshape(len(X), -1),
            y,
            10,
            "cpu",
        )
        for cls in (NeuralNetClassifier, OwnStep)
    )
    for learner in (short, own):
        learner.start(0)
        learner.train(np.arange(100), 2)
    assert own.estimator_.n_steps >= 2
    for one, other in zip(
        short.estimator_.module_.parameters(), own.estimator_.module_.parameters()
    ):
        assert torch.equal(one, other)


class Clipping(NeuralNetClassifier):
    n_clipped = 0

    def notify(self, method_name, **kwargs):
        self.n_clipped += method_name == "on_grad_computed"
        return super().notify(method_name, **kwargs)


def test_notified_nets_keep_their_own_step(digits):
    net = Clipping(ConvNet, criterion=nn.CrossEntropyLoss)
    learner = make_learner(net, *digits, 10, "cpu")
    learner.start(0)
    learner.train(np.arange(100), 1)
    assert learner.estimator_.n_clipped > 0


def test_kept_net_holds_no_optimizer(digits):
    learner = make_learner(make_net(), *digits, 10, "cpu")
    learner.start(0)
    learner.train(np.arange(50), 1)
    kept = learner.finish()
    assert kept.optimizer_ is None
    assert all(parameter.grad is None for parameter in kept.module_.parameters())
    assert kept.predict_proba(digits[0][:5]).shape == (5, 10)


def test_logits_and_probabilities_give_the_same_losses(digits):
    X, y = (torch.as_tensor(a[:30]) for a in digits)
    logits = make_net(module__in_channels=1, module__n_classes=10).initialize()
    output = forward(logits, X)
    proba = make_net(
        module__in_channels=1, module__n_classes=10, criterion=nn.NLLLoss
    ).initialize()
    torch.testing.assert_close(
        cross_entropy(logits, output, y), cross_entropy(proba, output.softmax(1), y)
    )


class Strange(ConvNet):
    """Puts out something else than a number for each row and class."""

    def __init__(self, in_channels, n_classes, width, make):
        super().__init__(in_channels, n_classes, width)
        self.make = make

    def forward(self, X):
        return self.make(super().forward(X))


@pytest.mark.parametrize(
    "make, error, message",
    [
        (lambda out: out[:1], ValueError, r"\(1, 10\) for 2 rows; it must have one"),
        (lambda out: out.T, ValueError, r"\(10, 2\) for 2 rows, but y has 10 classes"),
        (lambda out: None, TypeError, "module returned NoneType; it must"),
        (lambda out: {"logits": out}, TypeError, "module returned dict; it must"),
    ],
    ids=["fewer rows", "other axes", "nothing", "a dict"],
)
def test_a_module_that_puts_out_something_else_is_an_error(
    digits, make, error, message
):
    net = make_net(module=Strange, module__make=make)
    learner = make_learner(net, *digits, 10, "cpu")
    with pytest.raises(error, match=message):
        learner.start(0)


def test_a_learner_that_answers_for_fewer_rows_is_an_error(digits):
    class Short(GaussianNB):
        def predict_proba(self, X):
            return super().predict_proba(X)[1:].tolist()

    learner = make_learner(Short(), *digits, 10, "cpu")
    learner.start(0)
    learner.train(np.arange(300), 1)
    with pytest.raises(ValueError, match="for 20 rows; it must have one row for each"):
        learner.score(np.arange(20))


def test_a_device_without_memory_to_train_says_what_to_do(digits):
    def ask(output):
        if len(output) > 2:
            raise torch.OutOfMemoryError("no more")
        return output

    net = make_net(module=Strange, module__make=ask)
    learner = make_learner(net, *digits, 10, "cpu")
    learner.start(0)
    with pytest.raises(torch.OutOfMemoryError, match="no more") as caught:
        learner.train(np.arange(20), 1)
    assert "smaller batch_size" in caught.value.__notes__[0]


def test_learner_without_enough_classes_is_an_error(digits):
    class Wrong(GaussianNB):
        def predict_proba(self, X):
            return super().predict_proba(X)[:, :3]

    learner = make_learner(Wrong(), *digits, 10, "cpu")
    learner.start(0)
    learner.train(np.arange(300), 1)
    with pytest.raises(ValueError, match="last layer 10 outputs"):
        learner.score(np.arange(20))


def test_probabilities_are_those_of_the_learner(learner, digits):
    learner.start(seed=0)
    learner.train(np.arange(360), 3)
    losses, codes = learner.score(np.arange(360))
    proba = probabilities(learner.estimator_)(digits[0])
    assert proba.shape == (360, 10)
    np.testing.assert_allclose(proba.sum(axis=1), 1, rtol=1e-5)
    np.testing.assert_array_equal(proba.argmax(axis=1), codes)
    given = proba[np.arange(360), digits[1]]
    np.testing.assert_allclose(-np.log(given), losses, rtol=1e-3, atol=1e-5)
