#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""translate is PyTorch's nn.Transformer: weights load strictly, and greedy decoding gives what `hsgd generate` prints.

    torch_translate.py RUN       in the build folder; RUN was trained on --data dates, for a few steps or for long

Exit status: 0 the same, 1 not, 77 PyTorch or safetensors is not there."""
import json
import subprocess
import sys
import warnings

try:
    import safetensors
    import torch
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)

from torch import nn

D, HEADS, LAYERS, HIDDEN, START, END = 64, 4, 2, 256, 0, 1
PROMPTS = ["Dienstag, 1. Mai 2001", "7/4/1976", "le 1er février 1999", "Wednesday, 29 September 2094", "3 Jun 1914"]


def hsgd(*words):
    return subprocess.run(["./hsgd", *words, "--devices", "cpu"], check=True, capture_output=True, text=True).stdout


class Translate(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.embedding = nn.Embedding(classes, D)
        self.source, self.target = nn.Embedding(64, D), nn.Embedding(64, D)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # nested tensors are not used with norm_first
            self.net = nn.Transformer(D, HEADS, LAYERS, LAYERS, HIDDEN, 0.0, batch_first=True, norm_first=True)

    def forward(self, x, previous):
        source = self.embedding(x) + self.source.weight[: x.shape[1]]
        target = self.embedding(previous) + self.target.weight[: previous.shape[1]]
        mask = nn.Transformer.generate_square_subsequent_mask(previous.shape[1])
        return self.net(source, target, tgt_mask=mask) @ self.embedding.weight.T


def torch_names(weights):
    """Weights under the names of Translate."""
    rows, out = {}, {"embedding.weight": weights.pop("embedding.weight")}
    out["source.weight"] = weights.pop("encoder.positions.weight")
    out["target.weight"] = weights.pop("decoder.positions.weight")
    for name, value in weights.items():
        name = "net." + name.replace("self_attn.in_proj.", "self_attn.in_proj_")
        for i, part in enumerate("qkv"):
            if f"multihead_attn.{part}_proj." in name:
                rows.setdefault(name.replace(f"{part}_proj.", "in_proj_"), {})[i] = value
                break
        else:
            out[name] = value
    return out | {name: torch.cat([part[i] for i in range(3)]) for name, part in rows.items()}


def translate(model, names, prompt):
    x, previous = torch.tensor([[names.index(c) for c in prompt]]), [START]
    while previous[-1] != END and len(previous) < 12:
        scores = model(x, torch.tensor([previous]))[0, -1]
        scores[START] = -torch.inf
        previous.append(int(scores.argmax()))
    return "".join(names[i] for i in previous[1:] if i != END)


def main():
    run, same = sys.argv[1], True
    path = json.loads(hsgd("eval", "--checkpoint", run, "--json"))["checkpoint"]
    with safetensors.safe_open(path, "pt") as f:
        names = json.loads(f.metadata()["hsgd.data"])["fields"]["label"]["classes"]
        weights = {name: f.get_tensor(name) for name in f.keys()}
    model = Translate(len(names)).eval()
    model.load_state_dict(torch_names(weights), strict=True)
    with torch.no_grad():
        for prompt in PROMPTS:
            ours, theirs = hsgd("generate", "--checkpoint", run, "--prompt", prompt)[:-1], translate(model, names, prompt)
            print(f"{prompt}: {ours}, PyTorch {theirs}")
            same &= ours == theirs
    return 0 if same else 1


sys.exit(main())
