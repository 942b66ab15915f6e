#!/usr/bin/env python3
"""WGAN critic step: andon's tensor program beside PyTorch, one thread each, in one run.

usage: python3 bench/wgan_step.py [--program build/bench_graph_wgan_step] [--seconds 1.5]
Prints one JSON line a case: bench, case, ours, peer, peer_name, unit, ratio (peer / ours), goal, machine.
66 features, noise 100, generator and critic with two hidden layers; a generator step after every five critic steps is shared out among them.
The two take turns, case by case, and the better of three turns counts, because shared machines change their speed.
"""
import argparse
import json
import subprocess
import time

import torch
from torch import nn

FEATURES, NOISE, CRITIC_STEPS = 66, 100, 5
GOALS = {"penalty 64/64": 8, "penalty 64/256": 2.5, "penalty 500/256": 1.3, "clip 64/64": 8, "clip 64/256": 2.5, "clip 500/256": 1.3}


def machine():
    with open("/proc/cpuinfo", encoding="utf-8") as f:
        for line in f:
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return "unknown"


def torch_step(batch, hidden, penalty, seconds):
    torch.manual_seed(1)
    generator = nn.Sequential(nn.Linear(NOISE, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU(), nn.Linear(hidden, FEATURES), nn.Tanh())
    critic = nn.Sequential(nn.Linear(FEATURES, hidden), nn.LeakyReLU(0.2), nn.Linear(hidden, hidden), nn.LeakyReLU(0.2), nn.Linear(hidden, 1))
    if penalty:
        opt_g = torch.optim.Adam(generator.parameters(), lr=1e-4, betas=(0.5, 0.9))
        opt_c = torch.optim.Adam(critic.parameters(), lr=1e-4, betas=(0.5, 0.9))
    else:
        opt_g = torch.optim.RMSprop(generator.parameters(), lr=5e-5, alpha=0.9)
        opt_c = torch.optim.RMSprop(critic.parameters(), lr=5e-5, alpha=0.9)
    data = torch.randn(1600, FEATURES) * 0.3

    def critic_step(i):
        real = data[i * 37 % 1100:i * 37 % 1100 + batch]
        with torch.no_grad():
            fake = generator(torch.randn(batch, NOISE))
        loss = critic(fake).mean() - critic(real).mean()
        if penalty:
            e = torch.rand(batch, 1)
            between = (e * real + (1 - e) * fake).requires_grad_(True)
            slope, = torch.autograd.grad(critic(between).sum(), between, create_graph=True)
            loss = loss + 10 * ((slope.norm(2, dim=1) - 1) ** 2).mean()
        opt_c.zero_grad(set_to_none=True)
        loss.backward()
        opt_c.step()
        if not penalty:
            with torch.no_grad():
                for p in critic.parameters():
                    p.clamp_(-0.01, 0.01)

    def generator_step():
        loss = -critic(generator(torch.randn(batch, NOISE))).mean()
        opt_g.zero_grad(set_to_none=True)
        loss.backward()
        opt_g.step()

    best, rounds, n = float("inf"), 8, 0
    for _ in range(rounds):
        start, steps = time.perf_counter(), 0
        while True:
            for _ in range(CRITIC_STEPS):
                critic_step(n)
                n += 1
            generator_step()
            steps += CRITIC_STEPS
            spent = time.perf_counter() - start
            if spent >= seconds / rounds:
                break
        best = min(best, spent / steps)
    return best * 1e6


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", default="build/bench_graph_wgan_step")
    parser.add_argument("--seconds", type=float, default=1.5, help="per case and side")
    options = parser.parse_args()
    program, seconds = options.program, options.seconds
    torch.set_num_threads(1)
    ours, peer = {}, {}
    for _ in range(3):
        for line in subprocess.run([program, str(seconds)], check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines():
            r = json.loads(line)
            ours[r["case"]] = min(ours.get(r["case"], float("inf")), r["us"])
        for case in ours:
            kind, size = case.split()
            batch, hidden = map(int, size.split("/"))
            peer[case] = min(peer.get(case, float("inf")), torch_step(batch, hidden, kind == "penalty", seconds))
    for case, us in ours.items():
        print(json.dumps({"bench": "wgan_step", "case": case, "ours": round(us, 1), "peer": round(peer[case], 1), "peer_name": "PyTorch " + torch.__version__,
                          "unit": "us per critic step", "ratio": round(peer[case] / us, 2), "goal": GOALS[case], "machine": machine()}), flush=True)


if __name__ == "__main__":
    main()
