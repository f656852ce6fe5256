"""An ONNX file of ours to OpenVINO's pair of files."""

from pathlib import Path

from despoof.core.extras import need
from despoof.export.onnx_file import metadata
from despoof.export.record import MODEL_FILES, ExportRecord


def convert(onnx_path: Path, record: ExportRecord, folder: Path) -> None:
    """Write model.xml and model.bin; int8 and bf16 come over from the ONNX file.

    Raises:
        MissingExtraError: openvino is not installed.
    """
    openvino = need("openvino", "export")
    model = openvino.convert_model(str(onnx_path))
    for key, value in metadata(record).items():
        model.set_rt_info(value, ["despoof", key])
    path = folder / MODEL_FILES["openvino"][0]
    openvino.save_model(model, str(path), compress_to_fp16=record.precision == "fp16")
