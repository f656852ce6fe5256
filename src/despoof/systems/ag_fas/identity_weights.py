"""ArcFace encoders that others trained: iResNet-18 checkpoints, and any encoder in ONNX."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.nn import functional as F

from despoof.core.errors import InputError, WeightsError
from despoof.core.files import atomic_path
from despoof.systems.ag_fas.generator_config import IdentityConfig
from despoof.systems.ag_fas.identity import IdentityNet

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

_WRAPPERS = ("module.", "backbone.")
"""What training programs put before every name."""


def fitted_state(
    state: Mapping[str, Tensor], config: IdentityConfig, origin: str
) -> dict[str, Tensor]:
    """Return a community checkpoint's tensors under our names, float32.

    The names are the same (insightface's `iresnet18`), but for a wrapper's prefix; counts of
    batches, which old checkpoints lack, become 0.

    Args:
        state: the checkpoint's.
        config: of the encoder that they are for.
        origin: what to call the checkpoint in an error.

    Raises:
        WeightsError: another embedding size, depth or width, or names that are missing or unknown.
    """
    found = dict(state)
    for prefix in _WRAPPERS:
        if found and all(name.startswith(prefix) for name in found):
            found = {name.removeprefix(prefix): value for name, value in found.items()}
    with torch.device("meta"):
        wanted = IdentityNet(config).state_dict()
    _check_embedding(found, config, origin)
    counts = {n: torch.tensor(0) for n in wanted if n.endswith(".num_batches_tracked")}
    found = counts | found
    missing, unknown = sorted(wanted.keys() - found), sorted(found.keys() - wanted)
    if missing or unknown:
        raise WeightsError(
            f"{origin} is no iResNet-18: {_listed('missing', missing)}, "
            f"{_listed('unknown', unknown)}. Expected the state dict of insightface's iresnet18, "
            "without the classifier of its training."
        )
    unfit = [name for name, value in wanted.items() if found[name].shape != value.shape]
    if unfit:
        name = unfit[0]
        raise WeightsError(
            f"{origin} has {len(unfit)} tensors of another shape: {name!r} is "
            f"{tuple(found[name].shape)}, expected {tuple(wanted[name].shape)}. Set the identity's "
            "width to that of the checkpoint (1.0 for the community's)."
        )
    return {
        name: found[name].float().contiguous() if value.is_floating_point() else found[name]
        for name, value in wanted.items()
    }


def save_identity(path: str | Path, state: Mapping[str, Tensor], facts: Mapping[str, str]) -> None:
    """Write an encoder's tensors as safetensors, whole or not at all, with facts about them."""
    with atomic_path(Path(path)) as temporary:
        save_file(dict(state), temporary, metadata=dict(facts))


def load_identity(path: str | Path, config: IdentityConfig) -> IdentityNet:
    """Return the encoder of a safetensors file, in eval mode.

    Raises:
        WeightsError: the file is missing or corrupt, or does not fit, see `fitted_state`.
    """
    try:
        state = load_file(path)
    except (OSError, SafetensorError) as error:
        raise WeightsError(
            f"{path} is not a readable safetensors file ({error}). Make it with "
            "`python benchmarks/convert_identity.py CHECKPOINT -o FILE`."
        ) from error
    net = IdentityNet(config)
    net.load_state_dict(fitted_state(state, config, str(path)))
    return net.eval()


class OnnxIdentity:
    """An identity encoder from an ONNX file: faces in, embeddings out.

    For verification and for comparing embeddings; it has no map, so it cannot tell the generator
    anything.
    """

    def __init__(self, path: str | Path, embedding: int | None = None, threads: int = 1) -> None:
        """Open a model [N, 3, S, S] in [-1, 1] → [N, D]; N may be fixed, S must be.

        Args:
            path: the ONNX file.
            embedding: the D that is expected; None takes any.
            threads: that onnxruntime may use.

        Raises:
            WeightsError: no readable model there, or one of another form or embedding size.
        """
        self.path = Path(path)
        self._session = _session(self.path, threads)
        inputs, outputs = self._session.get_inputs(), self._session.get_outputs()
        shape, result = inputs[0].shape, outputs[0].shape
        right = len(inputs) == 1 and len(shape) == 4 and shape[1] == 3 and len(result) == 2
        if not right or not isinstance(shape[2], int) or shape[2] != shape[3]:
            raise WeightsError(
                f"{path} takes {[list(i.shape) for i in inputs]} and gives {list(result)}; "
                "expected an encoder [N, 3, S, S] → [N, D]."
            )
        if embedding is not None and isinstance(result[1], int) and result[1] != embedding:
            raise WeightsError(
                f"{path} gives embeddings of length {result[1]}, expected {embedding}. Take "
                "another model, or leave the expectation away."
            )
        self.size: int = shape[2]
        self._name, self._batch = inputs[0].name, shape[0]

    def __call__(self, faces: Tensor) -> Tensor:
        """Return embeddings [B, D] float32, not normalised, of [B, 3, S, S] faces in [-1, 1].

        Raises:
            InputError: another shape.
        """
        if faces.ndim != 4 or faces.shape[1] != 3 or not len(faces):
            raise InputError(
                f"{self.path.name} got faces of {tuple(faces.shape)}, expected [B, 3, S, S]."
            )
        x = faces.detach().float().cpu()
        if x.shape[-2:] != (self.size, self.size):
            x = F.interpolate(x, (self.size, self.size), mode="bilinear", align_corners=False)
        rows = self._batch if isinstance(self._batch, int) else len(x)
        parts = [self._run(part.numpy(), rows) for part in x.split(rows)]
        return torch.from_numpy(np.concatenate(parts))

    def _run(self, x: np.ndarray[Any, np.dtype[np.float32]], rows: int) -> Any:  # noqa: ANN401
        """Run a part, filled up to the batch that the model asks for."""
        short = rows - len(x)
        whole = np.concatenate([x, np.zeros((short, *x.shape[1:]), x.dtype)]) if short else x
        found = self._session.run(None, {self._name: np.ascontiguousarray(whole)})[0]
        return np.asarray(found, np.float32)[: len(x)]


def _session(path: Path, threads: int) -> "InferenceSession":
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = threads
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(
            path.read_bytes(), options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:  # onnxruntime's own errors have no common root but this one
        raise WeightsError(f"{path} is not a readable ONNX model: {error}.") from error


def _check_embedding(found: Mapping[str, Tensor], config: IdentityConfig, origin: str) -> None:
    if "fc.weight" in found and found["fc.weight"].ndim == 2:
        length, inputs = found["fc.weight"].shape
        if length != config.embedding:
            raise WeightsError(
                f"{origin} has embeddings of length {length}, expected {config.embedding}. Set the "
                f"identity's embedding to {length}, or take another checkpoint."
            )
        expected = config.widths[-1] * config.tokens
        if inputs != expected:
            raise WeightsError(
                f"{origin} reads {inputs} numbers of the last map, expected {expected} "
                f"(width {config.width:g}, {config.size} pixels). Set the identity's width and "
                "size to those of the checkpoint: 1.0 and 112 for the community's."
            )


def _listed(what: str, names: list[str]) -> str:
    shown = ", ".join(names[:3]) + (" …" if len(names) > 3 else "")
    return f"{len(names)} {what}" + (f" ({shown})" if names else "")
