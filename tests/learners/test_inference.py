import pytest
import torch
from torch import nn
from torch.nn.utils import prune

from sklearn_ispl.learners._inference import fold_batch_norm, for_inference, score_batch
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
