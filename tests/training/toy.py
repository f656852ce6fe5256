"""A tiny stage with two updates, dropout and batch norm, for the loop's tests."""

from dataclasses import dataclass, field

import torch
from torch import nn

from despoof.training.stage import Update


class TwoPart(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.Dropout(0.2)
        )
        self.head = nn.Linear(4, 1)

    def forward(self, faces):
        return self.head(self.encoder(faces).mean((2, 3)))[:, 0]


def make_module(seed=0):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return TwoPart()


@dataclass
class ToyStage:
    name: str = "toy"
    module: nn.Module = field(default_factory=make_module)
    mark: str = "data-1"
    metrics: dict = field(default_factory=dict)  # step of the call -> what validate answers
    validated: int = 0

    def loss(self, batch):
        logits = self.module(batch["faces"])
        loss = nn.functional.binary_cross_entropy_with_logits(logits, batch["labels"])
        return loss, {"mean_logit": logits.detach().mean()}

    def updates(self):
        return [
            Update("head", self.module.head, self.loss, 1e-2),
            Update("encoder", self.module.encoder, self.loss, 1e-2, optimizer="sgd"),
        ]

    def batch(self, step):
        generator = torch.Generator().manual_seed(1000 + step)
        faces = torch.rand(8, 3, 8, 8, generator=generator) * 2 - 1
        return {"faces": faces, "labels": (faces.mean((1, 2, 3)) > 0).float()}

    def validate(self, module):
        self.validated += 1
        if self.metrics:
            return self.metrics[self.validated]
        batch = self.batch(10_000)
        scores = module(batch["faces"].to(next(module.parameters()).device)).cpu()
        return {"auc": float(((scores > 0) == (batch["labels"] > 0)).float().mean())}

    def fingerprint(self):
        return self.mark
