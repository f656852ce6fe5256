"""`despoof train` on a toy stage: the loop itself is tested in tests/training."""

import json
from dataclasses import replace

import pytest
import torch
import yaml
from data.made_up_data import make_data_root

from despoof.data.manifest import of_split, read_manifest
from despoof.detector import load
from despoof.evaluation.bulk import score_manifest
from despoof.evaluation.score_file import to_scores
from despoof.metrics.curves import eer
from despoof.systems import records


class TinyStage:
    """Trains the tiny System 3 towards brighter depth, on noise."""

    name = "tiny"

    def __init__(self, module):
        self.module = module

    def updates(self):
        from despoof.training.stage import Update

        return (Update("dq", self.module.dq, self.loss, 1e-3),)

    def batch(self, step):
        generator = torch.Generator().manual_seed(step)
        return {"faces": torch.rand(2, 3, 32, 32, generator=generator) * 2 - 1}

    def loss(self, batch):
        loss = (1 - self.module.dq(self.module.six_channels(batch["faces"]))).square().mean()
        return loss, {"loss": loss.detach()}

    def validate(self, module):
        return {"auc": 0.75}

    def fingerprint(self):
        return "tiny"


@pytest.fixture
def experiment(tmp_path, monkeypatch):
    record = records.RECORDS["face-despoofing"]
    tiny = replace(
        record, stage_names=("tiny",), stages=lambda c, r, d, s: [TinyStage(record.build(c))]
    )
    monkeypatch.setitem(records.RECORDS, "face-despoofing", tiny)
    sources = [{"dataset": "nuaa", "label": "live", "weight": 1.0}]
    values = {
        "system": "face-despoofing",
        "output": str(tmp_path / "run"),
        "model": {key: dict(value) for key, value in record.tiny.items()},
        "data": {"sources": sources, "dev": ["nuaa"]},
        "train": {"steps": 3, "validate_every": 2, "checkpoint_every": 2},
    }
    path = tmp_path / "tiny.yaml"
    path.write_text(yaml.safe_dump(values))
    return path


def test_train_writes_weights_that_check_takes(cli, experiment, photo):
    done = cli("train", experiment, "--set", "train.steps=2", "--json")
    (stage,) = (json.loads(line) for line in done.out.splitlines())
    assert done.code == 0 and stage["stage"] == "tiny" and stage["last_step"] == 2
    assert stage["best_metrics"]["auc"] == 0.75 and stage["skipped"] is False
    checked = cli("check", photo, "--weights", stage["weights"], "--threshold", "-9")
    assert checked.code == 0
    without = cli("check", photo, "--weights", stage["weights"])
    assert without.code == 2 and "no threshold" in without.out


def test_train_ends_with_how_to_choose_a_threshold(cli, experiment, tmp_path):
    """Advice that names a number would fail open: whoever copies it lets attacks through."""
    done = cli("train", experiment, "--set", f"data.root={tmp_path}")
    weights = tmp_path / "run" / "weights"
    assert "--threshold" not in done.out and "Try:" not in done.out
    assert f"despoof calibrate dev.csv --criterion apcer=0.05 --save {weights}" in done.out
    assert "No development threshold: No table at" in done.err and done.code == 0


def test_train_shows_the_development_threshold(cli, experiment, tmp_path):
    make_data_root(tmp_path, {"nuaa": (("dev", "0004", 6, 5), ("train", "0001", 2, 2))})
    done = cli("train", experiment, "--set", f"data.root={tmp_path}", "--json")
    (stage,) = map(json.loads, done.out.splitlines())
    again = cli("train", experiment, "--set", f"data.root={tmp_path}")
    shown = f"Development threshold {stage['development_threshold']:.6g}: the EER's"
    assert shown in again.out and "on 6 live and 5 attack faces of nuaa" in again.out
    # It is what `score` and `calibrate` would find on all of these faces, and is not written.
    detector = load(stage["weights"])
    assert detector.threshold is None
    dev = of_split(read_manifest(tmp_path / "nuaa.csv"), "dev")
    result = score_manifest(detector, dev, tmp_path / "dev.csv")
    found = eer(to_scores(result.rows))
    assert stage["development_threshold"] == pytest.approx(found.threshold, abs=1e-6)


def test_train_resumes_and_starts_fresh(cli, experiment):
    assert "best at step" in cli("train", experiment).out
    again, fresh = cli("train", experiment, "--json"), cli("train", experiment, "--fresh", "--json")
    assert [json.loads(done.out)["skipped"] for done in (again, fresh)] == [True, False]


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("train.stesp=2", "Did you mean 'steps'?"),
        ("model.netwrk=2", "Did you mean 'network'?"),
        ("recipe.learning_rat=2", "Did you mean 'learning_rate'?"),
        ("system=face-despofing", "Did you mean 'face-despoofing'?"),
        ("train.steps=many", "train.steps"),
        ("steps", "key=value"),
    ],
)
def test_a_wrong_setting_is_one_line_that_helps(cli, experiment, setting, message):
    done = cli("train", experiment, "--set", setting)
    assert done.code == 64 and message in done.err and done.err.count("\n") == 1


def test_a_missing_experiment_is_one_line(cli, tmp_path):
    done = cli("train", tmp_path / "none.yaml")
    assert done.code == 64 and "No configuration file" in done.err


def test_a_missing_extra_is_named(cli, experiment, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "accelerate", None)
    done = cli("train", experiment)
    assert done.code == 2 and "pip install 'despoof[train]'" in done.err
    assert done.err.count("\n") == 1


def test_a_run_folder_that_cannot_be_made_is_one_line(cli, experiment, tmp_path):
    (tmp_path / "file").write_text("")
    done = cli("train", experiment, "--set", f"output={tmp_path / 'file' / 'run'}")
    assert done.code == 2 and done.err.count("\n") == 1 and "Not a directory" in done.err


def test_until_stops_after_a_stage_and_saves_no_system(cli, experiment):
    done = cli("train", experiment, "--fresh", "--until", "tiny")
    assert done.code == 0 and "Try:" not in done.out
    folder = experiment.parent / "run"
    assert (folder / "tiny" / "best.safetensors").exists() and not (folder / "weights").exists()
    wrong = cli("train", experiment, "--until", "tinny")
    assert wrong.code == 64 and "no stage 'tinny'. Did you mean 'tiny'?" in wrong.err
