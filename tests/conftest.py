"""Fixtures for every room: a portrait, tiny untrained weights, and the command line."""

import signal
from types import SimpleNamespace

import pytest


@pytest.fixture(scope="session", autouse=True)
def _ctrl_c_arrives():
    """A shell starts a background job with Ctrl-C ignored, and its children inherit that."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def emulated_bf16(monkeypatch):
    """Networks run in bf16 where they are asked to, also on a processor that has to emulate it."""
    from despoof.core import device

    monkeypatch.setattr(device, "bf16_is_quick", lambda kind="cpu": True)


@pytest.fixture(scope="session")
def portrait():
    """A real face, (512, 512, 3) uint8."""
    from skimage import data

    return data.astronaut()


@pytest.fixture
def photo(tmp_path, portrait):
    from PIL import Image

    path = tmp_path / "portrait.jpg"
    Image.fromarray(portrait).save(path)
    return path


def _make_weights(folder, system="face-despoofing", threshold=-1.0, **changes):
    import torch

    from despoof.systems.records import RECORDS
    from despoof.systems.saving import save_system
    from despoof.weights.record import Threshold, write_record

    record = RECORDS[system]
    with torch.random.fork_rng():
        torch.manual_seed(3)
        made = record.make(record.tiny)
    save_system(folder, system, made.config, made)
    facts = {
        "name": folder.name,
        "system": system,
        "licence": "Apache-2.0",
        "terms": "tests only",
        "provenance": "a test",
        "trained_on": "nothing",
        "preprocessing_hash": made.config.crop.digest(),
        "measured": {"x test": {"auc": 0.5}},
    }
    limit = None
    if threshold is not None:
        limit = Threshold(value=threshold, criterion="eer", chosen_on="x dev", n_live=9, n_attack=9)
    write_record(folder, **facts | {"threshold": limit} | changes)
    return folder


@pytest.fixture(scope="session")
def make_weights():
    """Write untrained weights whose scores lie near 0: threshold -1 calls all live, 1 spoof."""
    return _make_weights


@pytest.fixture(scope="session")
def weights(tmp_path_factory):
    return _make_weights(tmp_path_factory.mktemp("weights") / "tiny")


@pytest.fixture
def cli(capsys):
    """Call the command line in this process; give code, out and err."""
    from despoof.cli.main import main

    def call(*arguments):
        capsys.readouterr()
        code = main([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        return SimpleNamespace(code=code, out=out, err=err)

    return call


@pytest.fixture(scope="session")
def face_clip(tmp_path_factory, portrait):
    """A one-second MP4 of the portrait, moving a little."""
    import av
    import numpy as np

    path = tmp_path_factory.mktemp("clips") / "face clip.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=10, options={"g": "2"})
        stream.width, stream.height, stream.pix_fmt = 512, 512, "yuv420p"
        stream.bit_rate = 4_000_000
        for number in range(10):
            picture = np.ascontiguousarray(np.roll(portrait, 2 * number, axis=1))
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))
    return path
