# SPDX-License-Identifier: BSD-3-Clause
"""hsgd's networks in PyTorch, with the names of weights that hsgd's checkpoints have: for comparisons of speed
(torch_step.py, torch_speed.py) and of losses (torch_losses.py, tests/peers).

NETS: for each name how it is made for a number of classes, and the shape of a sample: (channels, height, width), or the
number of tokens."""
import torch
from torch import nn
from torch.nn import functional


def convolutions(channels, sizes):
    for size in sizes:
        yield from (nn.Conv2d(channels, size, 3, padding=1), nn.ReLU())
        channels = size


def mlp(classes):
    return nn.Sequential(nn.Flatten(), nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 256), nn.ReLU(),
                         nn.Linear(256, classes))


class LeNet(nn.Module):
    def __init__(self, classes=10):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 6, 5, padding=2)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.fc1 = nn.Linear(400, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, classes)

    def forward(self, x):
        x = functional.max_pool2d(torch.relu(self.conv1(x)), 2)
        x = functional.max_pool2d(torch.relu(self.conv2(x)), 2)
        x = torch.relu(self.fc1(torch.flatten(x, 1)))
        return self.fc3(torch.relu(self.fc2(x)))


def cifar_cnn(classes):
    return nn.Sequential(*convolutions(3, [32]), nn.MaxPool2d(2), *convolutions(32, [64]), nn.MaxPool2d(2),
                         *convolutions(64, [64]), nn.Flatten(), nn.Linear(4096, 64), nn.ReLU(),
                         nn.Linear(64, classes))


def stack(classes):
    return nn.Sequential(*convolutions(3, [32] * 4), nn.MaxPool2d(2), *convolutions(32, [64] * 4), nn.MaxPool2d(2),
                         *convolutions(64, [128] * 4), nn.AvgPool2d(8), nn.Flatten(), nn.Linear(128, classes))


class Basic(nn.Module):
    """torchvision's BasicBlock."""

    def __init__(self, inputs, channels, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, channels, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.downsample = None
        if stride > 1:
            self.downsample = nn.Sequential(nn.Conv2d(inputs, channels, 1, stride, bias=False), nn.BatchNorm2d(channels))

    def forward(self, x):
        y = self.bn2(self.conv2(torch.relu(self.bn1(self.conv1(x)))))
        return torch.relu(y + (self.downsample(x) if self.downsample else x))


class ResNet(nn.Module):
    """resnet8 has a block in each of three stages, resnet20 three."""

    def __init__(self, blocks, classes=10):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        stages, inputs = [], 16
        for channels, stride in ((16, 1), (32, 2), (64, 2)):
            stages.append(nn.Sequential(*[Basic(channels if i else inputs, channels, 1 if i else stride)
                                          for i in range(blocks)]))
            inputs = channels
        self.layer1, self.layer2, self.layer3 = stages
        self.fc = nn.Linear(64, classes)

    def forward(self, x):
        x = torch.relu(self.bn1(self.conv1(x)))
        return self.fc(self.layer3(self.layer2(self.layer1(x))).mean((2, 3)))


class Separable(nn.Module):
    def __init__(self, inputs, channels, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, inputs, 3, stride, 1, groups=inputs, bias=False)
        self.bn1 = nn.BatchNorm2d(inputs)
        self.conv2 = nn.Conv2d(inputs, channels, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)

    def forward(self, x):
        return torch.relu(self.bn2(self.conv2(torch.relu(self.bn1(self.conv1(x))))))


class MobileCNN(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 32, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(32)
        sizes = (32, 64, 1), (64, 128, 2), (128, 128, 1), (128, 256, 2), (256, 256, 1)
        for i, (inputs, channels, stride) in enumerate(sizes, 1):
            setattr(self, f"layer{i}", Separable(inputs, channels, stride))
        self.fc = nn.Linear(256, classes)

    def forward(self, x):
        x = torch.relu(self.bn1(self.conv1(x)))
        for layer in self.layer1, self.layer2, self.layer3, self.layer4, self.layer5:
            x = layer(x)
        return self.fc(x.mean((2, 3)))


class CharLSTM(nn.Module):
    def __init__(self, classes, dropout=0.1):
        super().__init__()
        self.embed = nn.Embedding(classes, 64)
        self.lstm = nn.LSTM(64, 128, 2, batch_first=True, dropout=dropout)
        self.fc = nn.Linear(128, classes)

    def forward(self, x):
        return self.fc(self.lstm(self.embed(x))[0])

    def step(self, x, kept):
        """Scores after tokens that follow those of `kept`, None at first, and what to keep of them."""
        y, kept = self.lstm(self.embed(x), kept)
        return self.fc(y), kept


class Attention(nn.Module):
    def __init__(self, channels, heads):
        super().__init__()
        self.heads = heads
        self.c_attn = nn.Linear(channels, 3 * channels)
        self.c_proj = nn.Linear(channels, channels)

    def forward(self, x, kept=None):
        split = lambda y: y.unflatten(2, (self.heads, -1)).transpose(1, 2)
        q, k, v = map(split, self.c_attn(x).chunk(3, 2))
        if kept is not None:
            k, v = torch.cat((kept[0], k), 2), torch.cat((kept[1], v), 2)
        y = functional.scaled_dot_product_attention(q, k, v, is_causal=kept is None)
        return self.c_proj(y.transpose(1, 2).flatten(2)), (k, v)


class Layer(nn.Module):
    def __init__(self, channels, heads):
        super().__init__()
        self.ln_1 = nn.LayerNorm(channels)
        self.attn = Attention(channels, heads)
        self.ln_2 = nn.LayerNorm(channels)
        self.mlp = nn.ModuleDict({"c_fc": nn.Linear(channels, 4 * channels), "c_proj": nn.Linear(4 * channels, channels)})

    def forward(self, x, kept=None):
        y, kept = self.attn(self.ln_1(x), kept)
        x = x + y
        y = functional.gelu(self.mlp["c_fc"](self.ln_2(x)), approximate="tanh")
        return x + self.mlp["c_proj"](y), kept


class CharGPT(nn.Module):
    def __init__(self, classes, channels=192, heads=6, layers=4, length=256):
        super().__init__()
        self.wte = nn.Embedding(classes, channels)
        self.wpe = nn.Embedding(length, channels)
        self.h = nn.ModuleList(Layer(channels, heads) for _ in range(layers))
        self.ln_f = nn.LayerNorm(channels)
        nn.init.normal_(self.wte.weight, std=0.02)

    def step(self, x, kept):
        """As that of CharLSTM."""
        begin = kept[0][0].shape[2] if kept else 0
        y, keeps = self.wte(x) + self.wpe.weight[begin:begin + x.shape[1]], []
        for i, layer in enumerate(self.h):
            y, keep = layer(y, kept[i] if kept else None)
            keeps.append(keep)
        return functional.linear(self.ln_f(y), self.wte.weight), keeps

    def forward(self, x):
        return self.step(x, None)[0]


NETS = {"mlp": (mlp, (1, 28, 28)), "lenet": (LeNet, (1, 28, 28)), "cifar-cnn": (cifar_cnn, (3, 32, 32)),
        "stack": (stack, (3, 32, 32)), "resnet8": (lambda classes: ResNet(1, classes), (3, 32, 32)),
        "resnet20": (lambda classes: ResNet(3, classes), (3, 32, 32)), "mobile-cnn": (MobileCNN, (3, 32, 32)),
        "char-lstm": (CharLSTM, 128), "char-gpt": (CharGPT, 128)}


def is_text(name):
    return isinstance(NETS[name][1], int)
