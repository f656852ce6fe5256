"""The exporters themselves, on tiny untrained systems: slow, as the tracer takes seconds."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import despoof
from despoof.export.faces import drawn_faces
from despoof.export.scorer import open_export
from despoof.export.write import Asked, export, torch_scores
from despoof.systems.records import RECORDS
from despoof.systems.saving import load_system, save_system

pytest.importorskip("onnx")
pytest.importorskip("onnxscript")
pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]
SYSTEMS = ["face-despoofing", "pair-unet", "rgb-baseline", "student", "texture", "two-views"]


@pytest.fixture(scope="module")
def crops():
    made = {}

    def draw(record):
        key = record.crop.digest()
        if key not in made:
            made[key] = [drawn_faces(200, record.crop), drawn_faces(48, record.crop, seed=1)]
        return made[key]

    return draw


@pytest.mark.parametrize("system", SYSTEMS)
def test_every_system_of_one_pass_says_the_same(make_weights, tmp_path, crops, system):
    weights, output = make_weights(tmp_path / "w", system, threshold=None), tmp_path / "e"
    record = export(weights, output, Asked(), crops, "drawn")
    faces = crops(record)[1]
    found = open_export(output).score_crops(faces[:7])
    truth = torch_scores(load_system(weights)[1], faces[:7])
    np.testing.assert_allclose(found, truth, rtol=0, atol=1e-5)
    assert record.parity.agreement > 0.99


@pytest.mark.parametrize("format", ["onnx", "openvino"])
def test_a_scorer_that_looks_twice_says_the_same(tmp_path, crops, format):
    pytest.importorskip(format)
    values = RECORDS["texture"].tiny | {
        "crop": {"size": 40, "scale": 1.5},
        "side": 32,
        "zooms": (1.0, 0.8),
    }
    torch.manual_seed(3)
    system = RECORDS["texture"].make(values)
    save_system(tmp_path / "w", "texture", system.config, system)
    record = export(tmp_path / "w", tmp_path / "e", Asked(format), crops, "drawn")
    faces = crops(record)[1]
    found = open_export(tmp_path / "e").score_crops(faces[:5])
    np.testing.assert_allclose(found, torch_scores(system, faces[:5]), rtol=0, atol=1e-4)


def test_a_student_with_gains_says_the_same(tmp_path, crops):
    torch.manual_seed(3)
    system = RECORDS["student"].make(RECORDS["student"].tiny | {"octave_gains": (1.2, 1.5, 2.0)})
    save_system(tmp_path / "w", "student", system.config, system)
    record = export(tmp_path / "w", tmp_path / "e", Asked(), crops, "drawn")
    faces = crops(record)[1][:5]
    found = open_export(tmp_path / "e").score_crops(faces)
    np.testing.assert_allclose(found, torch_scores(system, faces), rtol=0, atol=1e-5)


@pytest.mark.parametrize("precision", ["fp16", "bf16", "int8"])
@pytest.mark.parametrize("format", ["onnx", "openvino"])
def test_other_precisions_are_smaller_and_pass(make_weights, tmp_path, crops, format, precision):
    pytest.importorskip(format)
    weights = make_weights(tmp_path / "w", "rgb-baseline", threshold=None)
    record = export(weights, tmp_path / "e", Asked(format, precision), crops, "drawn")
    assert record.parity.passed and record.parity.max_difference > 0
    assert despoof.load(tmp_path / "e").system.config == record


def test_floats_may_be_asked_for_instead_of_pixels(make_weights, tmp_path, crops):
    weights = make_weights(tmp_path / "w", "pair-unet")
    record = export(weights, tmp_path / "e", Asked(input="float32"), crops, "drawn")
    faces = crops(record)[0][:3]
    truth = torch_scores(load_system(weights)[1], faces)
    np.testing.assert_allclose(open_export(tmp_path / "e").score_crops(faces), truth, atol=1e-5)


def test_the_command_and_the_example_of_the_page(make_weights, tmp_path, cli, photo):
    weights, output = make_weights(tmp_path / "w", "pair-unet"), tmp_path / "e"
    done = cli("export", weights, "-o", output, "--json")
    assert done.code == 0 and done.err == ""
    told = json.loads(done.out)
    assert told["parity"]["agreement"] == 1 and told["bytes"]["model.onnx"] > 1000
    page = (ROOT / "docs" / "export.md").read_text("utf-8")
    example = page.split("```python\n")[1].split("```")[0]
    ran = subprocess.run(
        [sys.executable, "-c", example, str(output / "model.onnx"), str(photo)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    first, second = ran.stdout.splitlines()
    assert first.startswith("crop: 32 px, 1.25 x the face")
    assert second.split("\t")[1] == "live"  # the threshold of these weights is -1
    assert cli("check", photo, "--weights", output).code == 0


@pytest.mark.skipif(shutil.which("g++") is None, reason="no C++ compiler")
def test_the_c_plus_plus_program_of_the_page_says_the_same(make_weights, tmp_path, crops):
    openvino = Path(pytest.importorskip("openvino").__file__).parent
    weights, output = make_weights(tmp_path / "w", "pair-unet", threshold=-1.0), tmp_path / "e"
    record = export(weights, output, Asked("openvino"), crops, "drawn")
    page = (ROOT / "docs" / "export.md").read_text("utf-8")
    (tmp_path / "check.cpp").write_text(page.split("```cpp\n")[1].split("```")[0])
    libraries = openvino / "libs"
    subprocess.run(
        [
            *("g++", "-std=c++17", tmp_path / "check.cpp", "-o", tmp_path / "check"),
            *(f"-I{openvino}/include", *libraries.glob("libopenvino.so.*")),
            f"-Wl,-rpath,{libraries}",
        ],
        check=True,
    )
    faces = crops(record)[1][:3]
    paths = [tmp_path / f"{i}.ppm" for i in range(len(faces))]
    for path, face in zip(paths, faces, strict=True):
        Image.fromarray(face).save(path)
    program = [tmp_path / "check", output / "model.xml"]
    ran = subprocess.run([*program, *paths], capture_output=True, text=True, check=True)
    lines = [line.split("\t") for line in ran.stdout.splitlines()]
    truth = torch_scores(load_system(weights)[1], faces)
    np.testing.assert_allclose([float(line[2]) for line in lines], truth, rtol=1e-4, atol=1e-4)
    assert [line[1] for line in lines] == ["live" if score > -1 else "spoof" for score in truth]
    Image.fromarray(faces[0][:16, :16]).save(paths[0])
    small = subprocess.run([*program, paths[0]], capture_output=True, text=True, check=False)
    assert small.returncode != 0 and "expected a binary PPM" in small.stderr


def test_a_bridge_is_refused_on_the_command_line(make_weights, tmp_path, cli):
    pytest.importorskip("diffusers")
    weights = make_weights(tmp_path / "w", "despoofing-diffusion")
    done = cli("export", weights, "-o", tmp_path / "e")
    assert done.code == 64 and "bridge of many network calls" in done.err
    assert not (tmp_path / "e").exists()
