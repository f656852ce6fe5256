"""The stage `identity`: LFW's training people are told apart by ArcFace, all others verify it."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import cast

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from despoof.core.config import StrictConfig
from despoof.core.device import seed_of
from despoof.core.errors import DataError
from despoof.data.augment import photometry
from despoof.data.samples import Sample, find_data_root, read_samples, select
from despoof.data.store import build_store
from despoof.data.transforms import draw_views
from despoof.data.views import DataConfig
from despoof.face.crop import CropConfig
from despoof.systems.ag_fas.arcface import ArcFaceHead
from despoof.systems.ag_fas.generator_config import IdentityConfig
from despoof.systems.ag_fas.identity import IdentityNet
from despoof.systems.ag_fas.live_faces import attack_mix, with_attack
from despoof.systems.ag_fas.verification import Pairs, lfw_pairs, verify
from despoof.training.folder import take_best
from despoof.training.stage import Batch, Update


class IdentityRecipe(StrictConfig):
    """Where the encoder comes from, or how it is taught."""

    trained: str | None = Field(
        default=None, description="folder of a finished `identity` stage: skip ours"
    )
    weights: str | None = Field(
        default=None,
        description="safetensors of an ArcFace checkpoint, see benchmarks/convert_identity.py: "
        "skip ours",
    )
    learning_rate: float = Field(default=1e-3, gt=0)
    weight_decay: float = Field(default=0.05, ge=0)
    scale: float = Field(default=32.0, gt=0, description="of the cosines; the paper: 64")
    margin: float = Field(default=0.3, ge=0, lt=1.57, description="radians; the paper: 0.5")
    margin_steps: int = Field(
        default=0, ge=0, description="steps over which the margin rises from 0"
    )
    batch_size: int | None = Field(default=None, ge=2, description="null = that of the data")
    folds: int = Field(default=10, ge=2, description="of the verification")


class IdentityTask(nn.Module):
    """The encoder, which is kept, and the head, which is not."""

    def __init__(self, identity: IdentityNet, head: ArcFaceHead) -> None:
        super().__init__()
        self.identity, self.head = identity, head

    def forward(self, faces: Tensor, person: Tensor, margin: Tensor) -> Tensor:
        """Return ArcFace's logits, see `ArcFaceHead.forward`."""
        return self.head(self.identity(faces).embedding, person, margin)


class IdentityStage:
    """ArcFace on LFW's training people; satisfies `training.Stage`."""

    name = "identity"

    def __init__(
        self,
        config: IdentityConfig,
        recipe: IdentityRecipe,
        data: DataConfig,
        *,
        size: int,
        seed: int,
    ) -> None:
        """Cut the faces and make the network.

        Args:
            config: of the encoder.
            recipe: of the training.
            data: its folder, cache and views; its sources do not apply.
            size: of a face, pixels, as the generator is going to see it.
            seed: of the first weights and of what is drawn.

        Raises:
            DataError: LFW's training split names nobody.
        """
        self.config, self.recipe, self.data = config, recipe, data
        self.size, self.seed = size, seed
        root = find_data_root(data.root)
        kept, people, count = _named(select(read_samples(root, "lfw"), "train", "live"))
        if not count:
            raise DataError(
                f"lfw.csv in {root} names nobody in its training split; the identity encoder "
                "learns from named faces. Set recipe.identity.trained or .weights instead."
            )
        crop = CropConfig(size=data.stored_size, scale=data.stored_scale)
        self.store = build_store(kept, crop, root, Path(data.cache))
        self.people = torch.tensor(people)
        self.attacks = attack_mix(data, size, seed)
        torch.manual_seed(seed_of(seed, "identity"))  # the start of the network
        head = ArcFaceHead(count, config.embedding, recipe.scale)
        self.module: nn.Module = IdentityTask(IdentityNet(config), head)
        self._dev: Pairs | None = None

    @property
    def identity(self) -> IdentityNet:
        """The encoder."""
        return cast("IdentityTask", self.module).identity

    def updates(self) -> Sequence[Update]:
        """Encoder and head learn together."""
        recipe = self.recipe
        rate, decay = recipe.learning_rate, recipe.weight_decay
        return (Update("arcface", self.module, self.loss, rate, weight_decay=decay),)

    def batch(self, step: int) -> Batch:
        """Return faces in random views, who they are, and the margin; a pure function of the step.

        `faces` (B, 3, S, S) in [-1, 1], the last one an attack, which is nobody to be learnt, and
        `live` (B,) bool; `person` (B,) int64; `margin` (B,) radians.
        """
        seed = seed_of(self.seed, "identity", step)
        count = self.recipe.batch_size or self.data.batch_size
        rows = np.random.default_rng(seed).integers(len(self.people), size=count)
        generator = torch.Generator().manual_seed(seed)
        faces, _ = draw_views(
            torch.from_numpy(np.stack([self.store.images[row] for row in rows])),
            torch.from_numpy(np.stack([self.store.depth[row] for row in rows])),
            torch.from_numpy(self.store.extent[rows]),
            stored_scale=self.data.stored_scale,
            size=self.size,
            config=self.data.augment,
            generator=generator,
        )
        faces = photometry(faces, self.data.augment, generator)
        risen = min(1.0, (step + 1) / self.recipe.margin_steps) if self.recipe.margin_steps else 1.0
        return {
            **with_attack(faces * 2 - 1, self.attacks, step),
            "person": self.people[torch.from_numpy(rows)],
            "margin": torch.full((count,), self.recipe.margin * risen),
        }

    def loss(self, batch: Batch) -> tuple[Tensor, dict[str, Tensor | float]]:
        """Cross-entropy of ArcFace's logits; `right`: share of people found despite the margin."""
        live = batch["live"]
        person = batch["person"][live]
        logits = self.module(batch["faces"][live], person, batch["margin"][live])
        right = (logits.detach().argmax(dim=1) == person).float().mean()
        return F.cross_entropy(logits, person), {"right": right}

    def validate(self, module: nn.Module) -> dict[str, float]:
        """Verification of LFW's development people: `accuracy` with its interval, and `auc`.

        Empty where fewer than two of them have two pictures: nothing to choose by.
        """
        self._dev = self._dev or lfw_pairs(self.data, self.size)
        if self._dev is None:
            return {}
        net = cast("IdentityTask", module).identity
        device = next(net.parameters()).device
        found = verify(
            lambda faces: net(faces.to(device)).embedding, self._dev, folds=self.recipe.folds
        )
        low, high = found.interval
        return {
            "auc": found.auc,
            "accuracy": found.accuracy,
            "accuracy/low": low,
            "accuracy/high": high,
        }

    def fingerprint(self) -> str:
        """Hash of everything that decides the result but the loop's own settings."""
        recipe = {k: v for k, v in self.recipe.plain().items() if k not in ("trained", "weights")}
        # Which sources the other stages have decides nothing here.
        data = {k: v for k, v in self.data.plain().items() if k not in ("sources", "dev")}
        who = hashlib.sha256(json.dumps(self.people.tolist()).encode()).hexdigest()[:16]
        parts = [self.config.plain(), recipe, data, self.size, self.seed, who]
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]


def take_identity(folder: str | Path, config: IdentityConfig) -> IdentityNet:
    """Return the encoder of a finished stage; its head stays behind.

    Raises:
        TrainingError: there are no weights, or those of another network.
    """
    found = IdentityNet(config)
    take_best(folder, found, "model.generator.identity", start="identity.")
    return found


def _named(samples: Sequence[Sample]) -> tuple[list[Sample], list[int], int]:
    """Give the samples with a face and a name, who is on each (0 …), and how many people."""
    kept = [s for s in samples if s.subject and s.box is not None]
    names = {name: number for number, name in enumerate(sorted({s.subject for s in kept}))}
    return kept, [names[s.subject] for s in kept], len(names)
