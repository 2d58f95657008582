"""PyTorch modules for weak learners and for the final model.

All of them return logits, so pair them with ``torch.nn.CrossEntropyLoss``.
Parameters without a default (`n_features`, `in_channels`, `n_classes`) are read
off the data by the estimators of this package when a skorch net leaves them out.
"""

from itertools import pairwise

import torch
from torch import nn
from torch.nn import functional as F

__all__ = ["MLP", "ConvNet", "PreActResNet18", "ResNet32"]


class MLP(nn.Sequential):
    """Multi-layer perceptron for rows of features.

    The features are standardised by a batch norm without parameters, so that the
    data may be of any scale.

    Parameters
    ----------
    n_features : int
        Number of features of a row.

    n_classes : int
        Number of classes.

    width : int, default=64
        Units of each hidden layer.

    depth : int, default=1
        Number of hidden layers.

    Examples
    --------
    >>> import torch
    >>> from sklearn_ispl.modules import MLP
    >>> MLP(n_features=5, n_classes=3)(torch.randn(4, 5)).shape
    torch.Size([4, 3])
    """

    def __init__(self, n_features, n_classes, width=64, depth=1):
        widths = [n_features] + [width] * depth
        hidden = [
            layer
            for n_in, n_out in pairwise(widths)
            for layer in (nn.Linear(n_in, n_out), nn.ReLU())
        ]
        super().__init__(
            nn.BatchNorm1d(n_features, affine=False),
            *hidden,
            nn.Linear(widths[-1], n_classes),
        )


class ConvNet(nn.Sequential):
    """Small convolutional net for images of any size from 1x1 up.

    Each stage is a 3x3 convolution of stride 2, batch norm and ReLU; the mean over
    what is left of the image goes to one linear layer.

    Parameters
    ----------
    in_channels : int
        Number of channels of an image.

    n_classes : int
        Number of classes.

    width : int, default=16
        Channels of the first stage; each further stage doubles them.

    depth : int, default=3
        Number of stages.

    Examples
    --------
    >>> import torch
    >>> from sklearn_ispl.modules import ConvNet
    >>> ConvNet(in_channels=1, n_classes=10)(torch.randn(4, 1, 8, 12)).shape
    torch.Size([4, 10])
    """

    def __init__(self, in_channels, n_classes, width=16, depth=3):
        widths = [in_channels] + [width * 2**stage for stage in range(depth)]
        stages = [
            layer
            for n_in, n_out in pairwise(widths)
            for layer in (
                nn.Conv2d(n_in, n_out, 3, stride=2, padding=1, bias=False),
                nn.BatchNorm2d(n_out),
                nn.ReLU(),
            )
        ]
        super().__init__(
            nn.BatchNorm2d(in_channels, affine=False),
            *stages,
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(widths[-1], n_classes),
        )
        self.to(memory_format=torch.channels_last)  # faster on CPUs and on GPUs


class _PreActBlock(nn.Module):
    """Pre-activation residual block: (batch norm, ReLU, convolution) twice."""

    def __init__(self, n_in, n_out, stride):
        super().__init__()
        self.norm1 = nn.BatchNorm2d(n_in)
        self.conv1 = nn.Conv2d(n_in, n_out, 3, stride, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(n_out)
        self.conv2 = nn.Conv2d(n_out, n_out, 3, padding=1, bias=False)
        self.shortcut = (
            nn.Conv2d(n_in, n_out, 1, stride, bias=False)
            if stride != 1 or n_in != n_out
            else None
        )

    def forward(self, x):
        out = F.relu(self.norm1(x))
        skip = x if self.shortcut is None else self.shortcut(out)
        out = self.conv2(F.relu(self.norm2(self.conv1(out))))
        return out + skip


class _BasicBlock(nn.Module):
    """Residual block with a parameter-free shortcut: stride and zero channels."""

    def __init__(self, n_in, n_out, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(n_in, n_out, 3, stride, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(n_out)
        self.conv2 = nn.Conv2d(n_out, n_out, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(n_out)
        self.stride = stride
        self.padding = n_out - n_in

    def forward(self, x):
        out = self.norm2(self.conv2(F.relu(self.norm1(self.conv1(x)))))
        skip = x[:, :, :: self.stride, :: self.stride]
        skip = F.pad(skip, (0, 0, 0, 0, 0, self.padding))
        return F.relu(out + skip)


def _stages(block, n_in, widths, n_blocks):
    for stage, n_out in enumerate(widths):
        for index in range(n_blocks):
            yield block(n_in, n_out, stride=2 if stage and not index else 1)
            n_in = n_out


class PreActResNet18(nn.Sequential):
    """Pre-activation residual net with 18 layers, the paper's net for CIFAR-10.

    Parameters
    ----------
    in_channels : int
        Number of channels of an image.

    n_classes : int
        Number of classes.

    width : int, default=64
        Channels of the first stage; each of the three further stages doubles them.

    References
    ----------
    K. He, X. Zhang, S. Ren, J. Sun, "Identity Mappings in Deep Residual Networks",
    ECCV 2016.

    Examples
    --------
    >>> import torch
    >>> from sklearn_ispl.modules import PreActResNet18
    >>> net = PreActResNet18(in_channels=3, n_classes=10, width=4)
    >>> net(torch.randn(2, 3, 32, 32)).shape
    torch.Size([2, 10])
    """

    def __init__(self, in_channels, n_classes, width=64):
        widths = [width * 2**stage for stage in range(4)]
        super().__init__(
            nn.Conv2d(in_channels, width, 3, padding=1, bias=False),
            *_stages(_PreActBlock, width, widths, n_blocks=2),
            nn.BatchNorm2d(widths[-1]),
            nn.ReLU(),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(widths[-1], n_classes),
        )


class ResNet32(nn.Sequential):
    """Residual net with 32 layers for images of about 32x32 pixels.

    Parameters
    ----------
    in_channels : int
        Number of channels of an image.

    n_classes : int
        Number of classes.

    width : int, default=16
        Channels of the first stage; each of the two further stages doubles them.

    References
    ----------
    K. He, X. Zhang, S. Ren, J. Sun, "Deep Residual Learning for Image Recognition",
    CVPR 2016, section 4.2.

    Examples
    --------
    >>> import torch
    >>> from sklearn_ispl.modules import ResNet32
    >>> ResNet32(in_channels=3, n_classes=10)(torch.randn(2, 3, 32, 32)).shape
    torch.Size([2, 10])
    """

    def __init__(self, in_channels, n_classes, width=16):
        widths = [width * 2**stage for stage in range(3)]
        super().__init__(
            nn.Conv2d(in_channels, width, 3, padding=1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            *_stages(_BasicBlock, width, widths, n_blocks=5),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(widths[-1], n_classes),
        )
