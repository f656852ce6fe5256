"""A detector from an exported folder: the same verdicts rules, and no torch."""

import json
import subprocess
import sys

import numpy as np
import pytest
from export.hand_made import brightness, write_folder

import despoof
from despoof.core.errors import InputError, WeightsError

pytest.importorskip("onnx")
WITHOUT_TORCH = """
import sys
class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("torch", "safetensors.torch", "onnx"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Missing())
from despoof.cli.main import main
code = main(sys.argv[1:])
assert "torch" not in sys.modules
sys.exit(code)
"""


def test_it_judges_by_the_exports_threshold(tmp_path, portrait):
    detector = despoof.load(write_folder(tmp_path / "e"))
    assert detector.name == "brightness" and detector.threshold == -0.25
    parts = detector._examine([*_frames(portrait)], None, False)
    (verdict,) = detector.check(portrait)
    assert verdict.score == pytest.approx(brightness(parts[0].crop.image[None])[0], abs=1e-6)
    assert verdict.label == ("live" if verdict.score > -0.25 else "spoof")
    other = despoof.load(tmp_path / "e", threshold=verdict.score + 0.01)
    assert other.judge(portrait).label == "spoof"


def test_without_a_threshold_it_decides_nothing(tmp_path, portrait):
    (verdict,) = despoof.load(write_folder(tmp_path / "e", threshold=None)).check(portrait)
    assert verdict.label == "undecided" and "threshold" in verdict.reason


def test_what_an_export_cannot_do_is_said(tmp_path, portrait):
    folder = write_folder(tmp_path / "e")
    with pytest.raises(InputError, match="scores alone"):
        despoof.load(folder).decompose(portrait)
    with pytest.raises(InputError, match="runs on the CPU"):
        despoof.load(folder, device="cuda")
    with pytest.raises(InputError, match="no bridge"):
        despoof.load(folder, steps=5)
    with pytest.raises(InputError, match="finite"):
        despoof.load(folder, threshold=float("nan"))


def test_an_edited_export_is_refused(tmp_path):
    folder = write_folder(tmp_path / "e")
    (folder / "model.onnx").write_bytes(b"")
    with pytest.raises(WeightsError, match="not the file"):
        despoof.load(folder)


def test_the_command_line_runs_where_torch_is_not_installed(tmp_path, photo):
    folder = write_folder(tmp_path / "e")
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_TORCH, "check", str(photo), "--weights", str(folder),
         "--json"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stderr == ""
    (verdict,) = despoof.load(folder).check(photo)
    assert json.loads(done.stdout)["score"] == pytest.approx(verdict.score, abs=1e-6)
    assert done.returncode == (0 if verdict.label == "live" else 1)


def _frames(image):
    from despoof.core.types import Frame

    yield Frame(np.asarray(image), "portrait")
