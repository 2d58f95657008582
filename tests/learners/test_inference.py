import math

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.utils import prune

from conftest import make_net
from sklearn_ispl.learners._inference import (
    as_vectors,
    fold_batch_norm,
    for_inference,
    in_batches,
    last_and_middle,
    predict_codes,
    probabilities,
    score_batch,
    tapped,
)
from sklearn_ispl.learners._weak_learner import make_learner
from sklearn_ispl.modules import ConvNet, ResNet32


@pytest.mark.parametrize(
    "module",
    [
        ConvNet(in_channels=3, n_classes=4),
        nn.Sequential(
            nn.Sequential(nn.Conv2d(3, 5, 3), nn.BatchNorm2d(5, affine=False)),
            nn.BatchNorm2d(5),
            nn.Conv2d(5, 4, 3),
            nn.BatchNorm2d(4, track_running_stats=False),
        ),
        ResNet32(in_channels=3, n_classes=4, width=2),
    ],
    ids=["ConvNet", "nested", "ResNet32"],
)
def test_folding_changes_nothing_but_the_last_digits(module):
    X = torch.rand(40, 3, 9, 9, generator=torch.Generator().manual_seed(0))
    for _ in range(5):
        module.train()(X)
    before = {name: value.clone() for name, value in module.state_dict().items()}
    module.eval()
    torch.testing.assert_close(
        fold_batch_norm(module)(X), module(X), rtol=1e-4, atol=1e-5
    )
    for name, value in module.state_dict().items():
        assert torch.equal(value, before[name])


def test_only_plain_sequences_are_folded():
    class Skipping(nn.Sequential):
        def forward(self, X):
            return self[0](X)

    norms = [m for m in fold_batch_norm(ConvNet(1, 2).eval()) if "Norm" in str(m)]
    assert len(norms) == 1  # that of the input
    own = Skipping(nn.Conv2d(1, 2, 1), nn.BatchNorm2d(2))
    assert fold_batch_norm(own.eval()) is own
    hooked = nn.Sequential(nn.Conv2d(1, 2, 1), nn.BatchNorm2d(2))
    hooked.register_forward_hook(lambda *args: None)
    assert fold_batch_norm(hooked.eval()) is hooked
    patched = nn.Sequential(nn.Conv2d(1, 2, 1), nn.BatchNorm2d(2))
    patched.forward = patched[0].forward
    assert fold_batch_norm(patched.eval()) is patched


@pytest.mark.parametrize(
    "hook",
    [
        nn.utils.spectral_norm,
        lambda conv: prune.l1_unstructured(conv, "weight", 0.5),
        lambda conv: conv.register_forward_hook(lambda *args: None) and conv,
    ],
    ids=["spectral norm", "pruning", "hook"],
)
def test_convolutions_with_hooks_are_not_folded(hook):
    conv = hook(nn.Conv2d(1, 2, 1))
    kept = fold_batch_norm(nn.Sequential(conv, nn.BatchNorm2d(2)).eval())
    assert kept[0] is conv and len(kept) == 2


def test_inference_leaves_the_net_as_it_was(digits):
    learner = make_learner(None, *digits, 10, "cpu")
    learner.start(0)
    net = learner.estimator_
    module, names = net.module_, list(net.module_.state_dict())
    double = for_inference(net)
    assert double.module_ is not module and net.module_ is module
    assert list(net.module_.state_dict()) == names
    X = torch.as_tensor(digits[0])
    torch.testing.assert_close(double.infer(X), net.infer(X), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    "shape, batch", [((3,), 1024), ((1, 28, 28), 334), ((3, 224, 224), 64)]
)
def test_score_batch_shrinks_with_the_row(shape, batch):
    assert score_batch(torch.zeros(1, *shape)) == batch


@pytest.mark.parametrize(
    ("shape", "n_values"),
    [((5, 7), 7), ((5, 3, 4), 4), ((5, 32, 8, 8), 512), ((5, 8, 3, 20), 96),
     ((5, 256, 4, 4), 256), ((5, 1000, 9, 9), 1000)],
)  # fmt: skip
def test_activations_become_vectors_of_no_more_values_than_needed(shape, n_values):
    vectors = as_vectors(torch.arange(float(math.prod(shape))).reshape(shape))
    assert vectors.shape == (5, n_values)
    assert vectors.mean().item() == pytest.approx((math.prod(shape) - 1) / 2, rel=0.1)


def test_a_net_without_weights_has_no_layer_to_tap():
    assert last_and_middle(torch.nn.ReLU()) == (None, None)
    layer = torch.nn.Linear(2, 3)
    assert last_and_middle(torch.nn.Sequential(layer)) == (layer, layer)


def test_a_tap_sees_the_last_call_and_is_removed():
    layer = torch.nn.Linear(2, 3)
    with tapped((layer, None)) as given:
        for value in (1.0, 2.0):
            layer(torch.full((4, 2), value))
        assert list(given) == [layer] and (given[layer] == 2).all()
    assert not layer._forward_pre_hooks


def test_a_tap_sees_what_a_layer_is_given_by_name():
    class Named(nn.Module):
        def __init__(self):
            super().__init__()
            self.last = nn.Linear(3, 2)

        def forward(self, X):
            return self.last(input=X)

    module = Named()
    with tapped([module.last]) as given:
        module(torch.ones(4, 3))
    assert given[module.last].shape == (4, 3)


class Doubling(nn.Module):
    """Gives its middle layer two rows for each."""

    def __init__(self, width):
        super().__init__()
        self.first, self.middle = nn.Linear(64, width), nn.Linear(width, width)
        self.last = nn.Linear(width, 10)

    def forward(self, X):
        seen = self.first(X.flatten(1))
        return self.last(self.middle(torch.cat([seen, seen]))[: len(X)])


def test_in_place_of_a_layer_that_does_not_see_row_by_row_there_is_the_output(digits):
    X, y = digits
    learner = make_learner(make_net(module=Doubling), X, y, 10, "cpu")
    learner.start(0)
    features, activations = learner.look_inside(np.arange(50))
    assert features.shape == (50, 8) and activations.shape == (50, 10)


def test_batches_shrink_until_the_device_has_memory_for_them():
    asked = []

    def ask(batch):
        asked.append(batch.stop - batch.start)
        if asked[-1] > 30:
            raise torch.OutOfMemoryError
        return asked[-1]

    with pytest.warns(UserWarning, match="no memory for .* rows at once; it takes"):
        found = [*in_batches(ask, 110, 100)]
    assert [(batch.start, batch.stop, n) for batch, n in found] == [
        (0, 25, 25), (25, 50, 25), (50, 75, 25), (75, 100, 25), (100, 110, 10),
    ]  # fmt: skip
    assert asked == [100, 50, 25, 25, 25, 25, 10]


def test_a_device_without_memory_for_a_row_is_an_error():
    def ask(batch):
        raise torch.OutOfMemoryError("nothing left")

    with pytest.raises(torch.OutOfMemoryError, match="nothing left"):
        with pytest.warns(UserWarning):
            [*in_batches(ask, 5, 4)]


class Small(ConvNet):
    """Has memory for twenty rows at a time."""

    def forward(self, X):
        if len(X) > 20:
            raise torch.OutOfMemoryError
        return super().forward(X)


@pytest.mark.filterwarnings("ignore:The device has no memory")
def test_what_a_small_device_says_is_what_a_large_one_says(digits):
    X, y = digits
    found = []
    for module in (ConvNet, Small):
        learner = make_learner(make_net(module=module), X, y, 10, "cpu")
        learner.start(0)
        learner.train(np.arange(200), 1)
        rows = np.arange(len(X))
        net = learner.estimator_
        found.append(
            [*learner.score(rows), *learner.look_inside(rows), predict_codes(net, X),
             probabilities(net)(X)]
        )  # fmt: skip
    for large, small in zip(*found):
        np.testing.assert_allclose(large, small, atol=1e-4)
