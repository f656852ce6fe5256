"""The student as a system: one graph from the face to noise, genuine face, evidence and score."""

from typing import NamedTuple, cast

import torch
from torch import Tensor, nn

from despoof.core.types import Decomposition
from despoof.nets.folding import folded
from despoof.systems.despoofing_diffusion.networks import TwoStreamNet
from despoof.systems.despoofing_diffusion.scoring import map_score
from despoof.systems.inputs import check_faces
from despoof.systems.student.config import StudentConfig
from despoof.systems.student.equaliser import Equaliser
from despoof.systems.student.network import NoiseNetwork


class Seen(NamedTuple):
    """What the graph gives: noise (B, 3, S, S), not clipped, and the detector's map (B, 32, 32)."""

    noise: Tensor
    map: Tensor


class Student(nn.Module):
    """The noise network and the detector that reads its answer, behind `core.types.System`."""

    def __init__(
        self,
        config: StudentConfig | None = None,
        network: NoiseNetwork | None = None,
        detector: TwoStreamNet | None = None,
    ) -> None:
        """Build the networks; `network` and `detector` are taken as they are where given."""
        super().__init__()
        self.config = config or StudentConfig()
        self.network = network or NoiseNetwork(self.config.network)
        self.detector = detector or TwoStreamNet(self.config.detector)
        gains = self.config.octave_gains
        self.equaliser = Equaliser(gains, self.config.crop.size) if gains else nn.Identity()

    def find(self, faces: Tensor) -> Tensor:
        """(B, 3, S, S) in [-1, 1] to the noise: the network's, each octave with its energy."""
        return self.equaliser(self.network(faces))

    def forward(self, faces: Tensor) -> Seen:
        """(B, 3, S, S) in [-1, 1] to noise and map: the whole graph, one pass."""
        noise = self.find(faces)
        return Seen(noise, self.detector(faces, noise))

    def map(self, faces: Tensor) -> Tensor:
        """(B, 3, S, S) to the detector's map alone; without the noise where no stream sees it."""
        needed = self.config.detector.needs_noise
        return self.detector(faces, self.find(faces) if needed else None)

    def for_inference(self) -> "Student":
        """Return the same system with its detector folded into plain convolutions.

        It shares the noise network and answers as before but for rounding: maps of size 1 to 1e-5.
        For neither training nor saving: the detector's parameters have other names.

        Raises:
            InputError: the system is in training mode.
        """
        detector = cast("TwoStreamNet", folded(self.detector))
        return Student(self.config, self.network, detector).eval()

    @torch.no_grad()
    def noise(self, faces: Tensor) -> Tensor:
        """Return the signed noise as it is found, float32: faces − noise is not clipped.

        Args:
            faces: as `decompose`.

        Raises:
            InputError: as `decompose`.
        """
        check_faces(faces, self.config.crop.size)
        return self.find(faces).float()

    @torch.no_grad()
    def decompose(self, faces: Tensor) -> Decomposition:
        """Find the noise, the genuine face, the relief that was found, and the score.

        Evidence is the detector's map, clipped: 1 = relief as of a live face, 0 = none, as in
        System 1. The genuine face is clipped to [-1, 1]; the detector reads the noise before that.

        Args:
            faces: (B, 3, S, S) float32 RGB in [-1, 1], S = config.crop.size.

        Raises:
            InputError: wrong shape or type, a value that is not finite, or a noise scale that was
                never measured.
        """
        check_faces(faces, self.config.crop.size)
        seen: Seen = self(faces)
        genuine = (faces - seen.noise.float()).clamp(-1, 1)
        return Decomposition(
            genuine=genuine,
            noise=faces - genuine,
            evidence=seen.map.float().clamp(0, 1),
            score=map_score(seen.map),
        )

    @torch.no_grad()
    def score(self, faces: Tensor) -> Tensor:
        """Return `decompose(faces).score`; without the noise network where no stream needs it."""
        check_faces(faces, self.config.crop.size)
        return map_score(self.map(faces))
