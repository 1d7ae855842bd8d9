#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Networks of PyTorch as test cases of ONNX: torch_onnx.py FOLDER, then hsgd onnx-test FOLDER.

Writes model.onnx and test_data_set_0/ of each network and opset below FOLDER: torchvision's resnet18 and mobilenet_v2, an
encoder and a decoder of transformers, and an LSTM, all with random weights.  Of a score near 0 the rounding of single
precision may exceed ONNX's bound for it; the sentence then says by how much the output differs.  Needs torch, torchvision,
onnx, onnxscript.
"""
import sys
from pathlib import Path

try:
    import onnx
    import torch
    import torchvision
    from onnx import numpy_helper
    from torch import nn
except ImportError as error:
    print(f"skipped: {error}")
    sys.exit(77)


class Recurrent(nn.Module):
    """Two layers, both directions, and classes of the last step."""

    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(12, 16, num_layers=2, bidirectional=True, batch_first=True)
        self.fc = nn.Linear(32, 10)

    def forward(self, x):
        return self.fc(self.lstm(x)[0][:, -1])


class Encoder(nn.Module):
    """Tokens, learned positions, two layers, a mean over all positions."""

    def __init__(self):
        super().__init__()
        self.table, self.place = nn.Embedding(50, 32), nn.Parameter(torch.randn(20, 32))
        layer = nn.TransformerEncoderLayer(32, 4, 64, dropout=0, activation="gelu", batch_first=True)
        self.layers, self.fc = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False), nn.Linear(32, 10)

    def forward(self, tokens):
        return self.fc(self.layers(self.table(tokens) + self.place).mean(1))


class Decoder(nn.Module):
    """Causal attention as char-gpt's: scores of the next token at each position."""

    def __init__(self):
        super().__init__()
        self.table, self.place = nn.Embedding(50, 32), nn.Embedding(20, 32)
        self.norm1, self.norm2, self.last = nn.LayerNorm(32), nn.LayerNorm(32), nn.LayerNorm(32)
        self.qkv, self.out = nn.Linear(32, 96), nn.Linear(32, 32)
        self.wide, self.narrow, self.scores = nn.Linear(32, 128), nn.Linear(128, 32), nn.Linear(32, 50)
        self.register_buffer("hidden", torch.ones(20, 20).tril() == 0)

    def forward(self, tokens):
        x = self.table(tokens) + self.place(torch.arange(20))
        n, t, c = x.shape
        q, k, v = (p.reshape(n, t, 4, 8).transpose(1, 2) for p in self.qkv(self.norm1(x)).split(32, 2))
        score = q @ k.transpose(2, 3) / 8**0.5
        score = score.masked_fill(self.hidden, float("-inf"))
        x = x + self.out((score.softmax(-1) @ v).transpose(1, 2).reshape(n, t, c))
        return self.scores(self.last(x + self.narrow(nn.functional.gelu(self.wide(self.norm2(x))))))


def save(folder, model, x, opset):
    data = folder / "test_data_set_0"
    data.mkdir(parents=True, exist_ok=True)
    with torch.no_grad():
        y = model(x)
    batch = {"x": {0: "batch"}}
    torch.onnx.export(model, (x,), str(folder / "model.onnx"), input_names=["x"], output_names=["y"], opset_version=opset,
                      dynamic_axes=batch, dynamo=False)
    for name, value in (("input", x), ("output", y)):
        (data / f"{name}_0.pb").write_bytes(numpy_helper.from_array(value.numpy(), name).SerializeToString())


def main():
    if len(sys.argv) != 2:
        print(__doc__)
        return 2
    torch.manual_seed(1)
    tokens = torch.randint(0, 50, (3, 20))
    networks = {
        "resnet18": (torchvision.models.resnet18(), torch.randn(2, 3, 64, 64)),
        "mobilenet_v2": (torchvision.models.mobilenet_v2(), torch.randn(2, 3, 64, 64)),
        "lstm": (Recurrent(), torch.randn(3, 9, 12)),
        "encoder": (Encoder(), tokens),
        "decoder": (Decoder(), tokens),
    }
    for name, (model, x) in networks.items():
        model.eval()
        for norm in (m for m in model.modules() if isinstance(m, nn.BatchNorm2d)):
            norm.running_mean.normal_(0, 0.1)
            norm.running_var.uniform_(0.5, 1.5)
        for opset in (14 if name == "encoder" else 13, 17):  # its attention is one function, which 13 cannot export
            save(Path(sys.argv[1]) / f"{name}_{opset}", model, x, opset)
    return 0


sys.exit(main())
