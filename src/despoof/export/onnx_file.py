"""torch to one ONNX file with a dynamic batch, and what is known about it within the file."""

import json
import logging
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from despoof.core.extras import need
from despoof.export.record import ExportRecord
from despoof.export.sessions import INPUT
from despoof.export.whole import WholeScorer


def write_onnx(whole: WholeScorer, record: ExportRecord, path: Path) -> None:
    """Trace a scorer and write it, with the record's facts as metadata.

    Args:
        whole: in eval mode.
        record: of the export; the crop's size fixes the faces'.
        path: of the file; its folder exists.

    Raises:
        MissingExtraError: onnx or onnxscript is not installed.
    """
    onnx = need("onnx", "export")
    need("onnxscript", "export")
    side = record.crop.size
    # Two faces: a batch of one could be taken for a constant.
    if record.input == "uint8":
        faces = torch.zeros((2, side, side, 3), dtype=torch.uint8)
    else:
        faces = torch.zeros((2, 3, side, side))
    batch = {0: torch.export.Dim("batch", min=1)}
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)  # it misses torchvision; we do not
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # of the exporter, about its own libraries
        program = torch.onnx.export(
            whole,
            (faces,),
            dynamo=True,
            input_names=[INPUT],
            output_names=list(record.outputs),
            dynamic_shapes={"faces": batch},
            verbose=False,
        )
    assert program is not None  # dynamo=True always gives one
    save(program.model_proto, record, path)
    onnx.checker.check_model(str(path))


def save(model: Any, record: ExportRecord, path: Path) -> None:  # noqa: ANN401 - onnx.ModelProto
    """Write a model with the record's facts in it; those of an earlier write are replaced."""
    onnx = need("onnx", "export")
    for one in model.graph.node:  # where each node stood in our source: paths of this machine
        del one.metadata_props[:]
        one.doc_string = ""
    onnx.helper.set_model_props(model, metadata(record))
    onnx.save_model(model, str(path))


def metadata(record: ExportRecord) -> Mapping[str, str]:
    """Return the facts that go into the file: plain words for programs without a JSON parser.

    `despoof` holds all of it as JSON; file hashes and parity can only stand beside the file.
    """
    whole = record.plain() | {"files": {}, "parity": None}
    return {
        "score": record.meaning,
        "threshold": "" if record.threshold is None else repr(record.threshold),
        "crop_size": str(record.crop.size),
        "crop_scale": repr(record.crop.scale),
        "crop_align": str(record.crop.align).lower(),
        "input": record.input,
        "preprocessing_hash": record.preprocessing_hash,
        "source_sha256": record.source.get("model.safetensors", ""),
        "despoof": json.dumps(whole),
    }
