import pytest
import torch

from sklearn_ispl.modules import MLP, ConvNet, PreActResNet18, ResNet32


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 32, 32), (1, 9, 17), (2, 1, 1)])
def test_convnet_takes_any_size(shape):
    net = ConvNet(in_channels=shape[0], n_classes=5)
    assert net(torch.randn(4, *shape)).shape == (4, 5)


@pytest.mark.parametrize("depth", [0, 1, 3])
def test_mlp_is_blind_to_the_scale_of_features(depth):
    torch.manual_seed(0)
    net = MLP(n_features=6, n_classes=3, depth=depth)
    X = torch.randn(50, 6)
    torch.testing.assert_close(net(X), net(X * 1000 + 10), rtol=1e-3, atol=1e-3)


# 0.46 million in table 6 of He et al.; 11,159,232 in the convolutions of 18 layers,
# 7,808 in 17 batch norms and 5,130 in the last layer.
@pytest.mark.parametrize(
    "module, in_channels, n_weights",
    [(PreActResNet18, 3, 11_172_170), (ResNet32, 3, 464_154)],
)
def test_residual_nets_have_the_published_size(module, in_channels, n_weights):
    net = module(in_channels, n_classes=10)
    assert sum(p.numel() for p in net.parameters()) == n_weights


@pytest.mark.parametrize("module", [PreActResNet18, ResNet32])
def test_residual_nets_downsample_and_train(module):
    net = module(in_channels=1, n_classes=4, width=4)
    output = net(torch.randn(2, 1, 12, 20))
    assert output.shape == (2, 4)
    output.sum().backward()
    assert all(p.grad is not None for p in net.parameters())
