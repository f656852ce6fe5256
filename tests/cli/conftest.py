from types import SimpleNamespace

import pytest
import torch
from PIL import Image

from despoof.cli.main import main
from despoof.systems.records import RECORDS
from despoof.systems.saving import save_system
from despoof.weights.record import Threshold, write_record


def make_weights(folder, system="face-despoofing", threshold=0.0, **changes):
    record = RECORDS[system]
    torch.manual_seed(3)
    made = record.make(record.tiny)
    save_system(folder, system, made.config, made)
    limit = Threshold(value=threshold, criterion="eer", chosen_on="x dev", n_live=9, n_attack=9)
    facts = {
        "name": folder.name,
        "system": system,
        "licence": "Apache-2.0",
        "terms": "tests only",
        "provenance": "a test",
        "trained_on": "nothing",
        "preprocessing_hash": made.config.crop.digest(),
        "threshold": limit,
        "measured": {"x test": {"auc": 0.5}},
    }
    write_record(folder, **facts | changes)
    return folder


@pytest.fixture(scope="session")
def weights(tmp_path_factory):
    """Untrained weights whose scores lie around 0; -1 and 1 as thresholds decide either way."""
    return make_weights(tmp_path_factory.mktemp("weights") / "tiny")


@pytest.fixture
def cli(capsys):
    def call(*arguments):
        capsys.readouterr()
        code = main([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        return SimpleNamespace(code=code, out=out, err=err)

    return call


@pytest.fixture
def photo(tmp_path, portrait):
    path = tmp_path / "portrait.jpg"
    Image.fromarray(portrait).save(path)
    return path
