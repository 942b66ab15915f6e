#!/usr/bin/env python3
"""Does our WGAN-GP learn as well as PyTorch's? The same rows, networks, initial weights' law, optimiser and number of steps; five seeds each.

usage: python3 bench/wgan_quality.py [--program build/andon] [--steps 5000] [--seeds 5]      reads $ANDON_DATA (default ../shared/data) where it is there
Prints one JSON line a case. `ours` and `peer` are the KS complement (mean over columns) and the correlation similarity (mean over pairs) of as many generated
rows as there are real ones, both computed here by the same lines; `default` is andon as it comes (running average of the weights, best weights kept, values
spread over their resolution). `overlap`: the ranges over the seeds overlap, for each score. PyTorch runs on one thread."""
import sys

sys.path.pop(0)  # csv.py beside this file is another bench
import argparse
import csv
import json
import math
import os
import subprocess
import tempfile
import time

import numpy
import torch
from torch import nn

parser = argparse.ArgumentParser()
parser.add_argument("--program", default="build/andon")
parser.add_argument("--steps", type=int, default=5000, help="critic steps")
parser.add_argument("--seeds", type=int, default=5)
options = parser.parse_args()
program, data = os.path.abspath(options.program), os.path.abspath(os.environ.get("ANDON_DATA", "../shared/data"))
NOISE, WIDTH, BATCH, CRITIC_STEPS, RATE, PENALTY, SLOPE = 32, 64, 64, 5, 2e-3, 10, 0.2
torch.set_num_threads(1)


def andon(*words):
    return json.loads(subprocess.run([program, *words, "--json", "--quiet", "--threads", "1"], check=True, capture_output=True, text=True).stdout)


def table(path):
    with open(path, newline="") as f:
        rows = list(csv.reader(f))
    return rows[0], rows[1:]


class Columns:
    """Rows of texts to numbers and one-hot columns of -1 and 1, numbers to [-1, 1] by their range, and back: what src/synth/wgan.c does."""

    def __init__(self, names, rows):
        self.names, self.parts, first = names, [], 0
        for j in range(len(names)):
            cells = [r[j] for r in rows]
            try:
                v = numpy.array([float(c) if c else math.nan for c in cells])
                decimals = max((len(c.split(".")[1]) if "." in c else 0) for c in cells)
                self.parts.append(("number", first, numpy.nanmin(v), numpy.nanmax(v), numpy.nanmedian(v), decimals))
                first += 1
            except ValueError:
                values = sorted(set(c for c in cells if c))
                self.parts.append(("category", first, values))
                first += len(values)
        self.width = first

    def numbers(self, rows):
        """What the scores look at: numbers as they are, categories as codes. Columns x rows."""
        out = []
        for j, p in enumerate(self.parts):
            out.append([float(r[j]) if r[j] else math.nan for r in rows] if p[0] == "number" else [p[2].index(r[j]) if r[j] else -1 for r in rows])
        return numpy.array(out)

    def prepare(self, rows):
        out = numpy.full((len(rows), self.width), -1.0)
        for j, p in enumerate(self.parts):
            if p[0] == "number":
                v = numpy.array([float(r[j]) if r[j] else p[4] for r in rows])
                out[:, p[1]] = (v - (p[2] + p[3]) / 2) / ((p[3] - p[2]) / 2) if p[3] > p[2] else 0
            else:
                for i, r in enumerate(rows):
                    if r[j]:
                        out[i, p[1] + p[2].index(r[j])] = 1
        return out

    def invert(self, x):
        out = []
        for p in self.parts:
            if p[0] == "number":
                v = (p[2] + p[3]) / 2 + x[:, p[1]] * (p[3] - p[2]) / 2
                out.append(numpy.clip(numpy.round(v, p[5]), p[2], p[3]))
            else:
                out.append(x[:, p[1]:p[1] + len(p[2])].argmax(1))
        return numpy.array(out)

    def scores(self, real, made):
        shape = []
        for p, a, b in zip(self.parts, real, made):
            a, b = a[~numpy.isnan(a)], b[~numpy.isnan(b)]
            if p[0] == "number":
                at = numpy.concatenate([a, b])
                shape.append(1 - abs(numpy.searchsorted(numpy.sort(a), at, "right") / len(a) - numpy.searchsorted(numpy.sort(b), at, "right") / len(b)).max())
            else:
                shape.append(1 - sum(abs((a == k).mean() - (b == k).mean()) for k in range(-1, len(p[2]))) / 2)
        number = [j for j, p in enumerate(self.parts) if p[0] == "number" and p[3] > p[2] and made[j].std() > 0]
        fill = lambda m: numpy.where(numpy.isnan(m), numpy.nanmean(m, axis=1, keepdims=True), m)
        r, s = numpy.corrcoef(fill(real[number])), numpy.corrcoef(fill(made[number]))
        upper = numpy.triu_indices(len(number), 1)
        return float(numpy.mean(shape)), float((1 - abs(r - s) / 2)[upper].mean())


def network(sizes):
    layers = []
    for i, (a, b) in enumerate(zip(sizes, sizes[1:])):
        layer = nn.Linear(a, b)
        nn.init.uniform_(layer.weight, -1 / math.sqrt(a), 1 / math.sqrt(a))
        nn.init.zeros_(layer.bias)
        layers += [layer] + ([nn.LeakyReLU(SLOPE)] if i + 2 < len(sizes) else [])
    return nn.Sequential(*layers)


def peer(x, seed, rows):
    """WGAN-GP (Gulrajani et al. 2017, algorithm 1): rows generated after the last step, in [-1, 1]."""
    torch.manual_seed(seed)
    x = torch.tensor(x, dtype=torch.float32)
    generator, critic = network([NOISE, WIDTH, WIDTH, x.shape[1]]), network([x.shape[1], WIDTH, WIDTH, 1])
    with torch.no_grad():
        generator[-1].bias.copy_(torch.atanh(x.mean(0).clamp(-0.95, 0.95)))
    opt_g = torch.optim.Adam(generator.parameters(), lr=RATE, betas=(0.0, 0.9), eps=1e-8)
    opt_c = torch.optim.Adam(critic.parameters(), lr=RATE, betas=(0.0, 0.9), eps=1e-8)
    for step in range(1, options.steps + 1):
        real = x[torch.randint(len(x), (BATCH,))]
        with torch.no_grad():
            fake = torch.tanh(generator(torch.randn(BATCH, NOISE)))
        e = torch.rand(BATCH, 1)
        between = (fake + e * (real - fake)).requires_grad_(True)
        slope, = torch.autograd.grad(critic(between).sum(), between, create_graph=True)
        loss = critic(fake).mean() - critic(real).mean() + PENALTY * ((slope.norm(2, dim=1) - 1) ** 2).mean()
        opt_c.zero_grad()
        loss.backward()
        opt_c.step()
        if step % CRITIC_STEPS == 0:
            loss = -critic(torch.tanh(generator(torch.randn(BATCH, NOISE)))).mean()
            opt_g.zero_grad()
            loss.backward()
            opt_g.step()
    with torch.no_grad():
        return torch.tanh(generator(torch.randn(rows, NOISE))).numpy()


def ours(name, seed, rows, columns, *settings):
    words = [w for s in settings for w in ("--set", s)]
    start = time.perf_counter()
    andon("synth", "fit", "g", "--data", name, "--method", "wgan", "--seed", str(seed), "--fresh", *words)
    spent = time.perf_counter() - start
    andon("synth", "sample", "g", "--rows", str(rows), "--seed", str(seed), "--out", "made.csv", "--fresh")
    names, made = table("made.csv")
    pick = [names.index(n) for n in columns.names]
    return columns.numbers([[r[j] for j in pick] for r in made]), spent


def case(title, name, target, positive):
    andon("data", "split", name, "--out", "part")
    andon("synth", "fit", "g", "--data", name, "--method", "random")
    andon("synth", "sample", "g", "--rows", "1", "--out", "made.csv")
    features = [n for n in table("made.csv")[0] if n != target and not n.startswith("_")]
    names, rows = table("part.train.csv")
    rows = [[r[names.index(n)] for n in features] for r in rows if r[names.index(target)] == positive]
    columns = Columns(features, rows)
    real, x = columns.numbers(rows), columns.prepare(rows)
    bare = [f"steps={options.steps}", f"check_every={options.steps}", "average=0", "jitter=0", f"noise={NOISE}", f"width={WIDTH}", f"batch={BATCH}", f"rate={RATE}"]
    result = {"ours": [], "peer": [], "default": []}
    seconds = {k: 0 for k in result}
    for seed in range(1, options.seeds + 1):
        made, spent = ours(name, seed, len(rows), columns, *bare)
        result["ours"].append(columns.scores(real, made))
        seconds["ours"] += spent
        start = time.perf_counter()
        made = columns.invert(peer(x, seed, len(rows)))
        seconds["peer"] += time.perf_counter() - start
        result["peer"].append(columns.scores(real, made))
        made, spent = ours(name, seed, len(rows), columns)
        result["default"].append(columns.scores(real, made))
        seconds["default"] += spent
    line = {"bench": "wgan_quality", "case": title, "rows": len(rows), "columns": columns.width, "steps": options.steps, "peer_name": "PyTorch " + torch.__version__}
    for i, score in enumerate(("ks_complement", "correlation_similarity")):
        line[score] = {k: [round(v[i], 4) for v in values] for k, values in result.items()}
        a, b = line[score]["ours"], line[score]["peer"]
        line[score]["overlap"] = max(min(a), min(b)) <= min(max(a), max(b))
    line["seconds_a_fit"] = {k: round(v / options.seeds, 2) for k, v in seconds.items()}
    print(json.dumps(line), flush=True)


with tempfile.TemporaryDirectory() as folder:
    os.chdir(folder)
    subprocess.run([program, "init", "--quiet"], check=True, capture_output=True)
    andon("sim", "gearbox", "--out", "gearbox.csv")
    andon("data", "import", "gearbox", "gearbox.csv", "--target", "broken")
    case("simulated gearbox, broken", "gearbox", "broken", "1")
    ai4i, steel = os.path.join(data, "ai4i2020", "ai4i2020.csv"), os.path.join(data, "steel-plates-faults")
    if os.path.exists(ai4i):
        andon("data", "import", "ai4i", ai4i, "--target", "Machine failure", "--drop", "UDI,Product ID,TWF,HDF,PWF,OSF,RNF")
        case("AI4I, failures", "ai4i", "Machine failure", "1")
    if os.path.exists(steel):
        andon("data", "import", "stains", os.path.join(steel, "Faults.NNA"), "--no-header", "--names", os.path.join(steel, "Faults27x7_var"), "--target", "Stains",
              "--drop", "Pastry,Z_Scratch,K_Scatch,Dirtiness,Bumps,Other_Faults")
        case("steel plates, stains", "stains", "Stains", "1")
