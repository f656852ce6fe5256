"""A checkpoint is what was written, or refused; what a power failure leaves blocks nothing."""

import json
from dataclasses import dataclass

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from despoof.core.errors import TrainingError
from despoof.core.locks import only_writer
from despoof.training.config import TrainConfig
from despoof.training.folder import LOCK
from despoof.training.journal import keep_until
from despoof.training.loop import run_stage
from despoof.training.tensors import METADATA_KEY, SUM_KEY, read_tensors, write_tensors
from training.toy import ToyStage

CONFIG = TrainConfig(
    steps=12, checkpoint_every=3, validate_every=6, log_every=1, threads=1, ema_decay=0.9
)


class StopError(Exception):
    pass


@dataclass
class Stopping(ToyStage):
    at: int = 7

    def batch(self, step):
        if step == self.at:
            raise StopError
        return super().batch(step)


@pytest.fixture
def begun(tmp_path):
    """The folder of a run that was killed after step 7; its checkpoint is of step 6."""
    with pytest.raises(StopError):
        run_stage(Stopping(), CONFIG, tmp_path, progress=False)
    return tmp_path


def rewrite(folder, change, *, with_sum):
    """Write the checkpoint again, changed, as another program would; return what it holds."""
    path = folder / "checkpoint.safetensors"
    with safe_open(path, framework="pt") as file:
        metadata = dict(file.metadata())
    tensors, facts = load_file(path), json.loads(metadata[METADATA_KEY])
    change(tensors, facts)
    metadata[METADATA_KEY] = json.dumps(facts)
    if not with_sum:
        del metadata[SUM_KEY]
    save_file(tensors, path, metadata)


def drop(prefix):
    def change(tensors, facts):
        for name in [name for name in tensors if name.startswith(prefix)]:
            del tensors[name]

    return change


def stand(**values):
    return lambda tensors, facts: facts["progress"].update(values)


def test_every_byte_of_a_file_counts(tmp_path):
    path = tmp_path / "x.safetensors"
    tensors = {"a": torch.arange(3.0), "b": torch.tensor(7), "h": torch.ones(2, 2).bfloat16()}
    tensors["none"] = torch.ones(0, 3)
    write_tensors(path, tensors, {"step": 5, "name": "é"})
    whole = path.read_bytes()
    found, facts = read_tensors(path)
    assert facts == {"step": 5, "name": "é"}
    assert all(torch.equal(found[name], value) for name, value in tensors.items())
    passed = []
    for place in range(len(whole)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        try:
            found, facts = read_tensors(path)
        except TrainingError:
            continue
        # Only the name of the sum itself may go: then all else is as it was.
        assert facts == {"step": 5, "name": "é"}
        assert all(torch.equal(found[name], value) for name, value in tensors.items())
        passed.append(place)
    assert len(passed) <= len(SUM_KEY)


@pytest.mark.parametrize("part", ["model/", "average/", "optimizer/head/", "optimizer/encoder/0/"])
def test_a_dropped_part_is_refused(begun, part):
    rewrite(begun, drop(part), with_sum=True)
    with pytest.raises(TrainingError, match="not what was written"):
        run_stage(ToyStage(), CONFIG, begun, progress=False)


@pytest.mark.parametrize(
    ("part", "message"),
    [
        ("model/", "of another network"),
        ("average/", "does not hold the averaged weights"),
        ("average/head.bias", r"averaged weights .* head\.bias is not in both"),
        ("optimizer/head/", "whole state of the optimiser of update 'head'"),
        ("optimizer/head/0/exp_avg_sq", "whole state of the optimiser of update 'head'"),
    ],
)
def test_a_dropped_part_is_refused_in_a_file_without_a_sum_too(begun, part, message):
    rewrite(begun, drop(part), with_sum=False)
    with pytest.raises(TrainingError, match=message):
        run_stage(ToyStage(), CONFIG, begun, progress=False)


@pytest.mark.parametrize(
    "values", [{"step": 13}, {"step": 10**9}, {"step": -1}, {"best_step": 7}, {"stale": "no"},
               {"step": True}, {"step": 6.0}, {"step": None}]
)  # fmt: skip
def test_a_step_that_the_run_does_not_have_is_refused(begun, values):
    rewrite(begun, stand(**values), with_sum=False)
    with pytest.raises(TrainingError, match=r"stands at step .* expected a step from 0 to 12"):
        run_stage(ToyStage(), CONFIG, begun, progress=False)


def test_another_step_breaks_the_sum(begun):
    rewrite(begun, stand(step=9), with_sum=True)
    with pytest.raises(TrainingError, match="its step have the check sum"):
        run_stage(ToyStage(), CONFIG, begun, progress=False)


@pytest.mark.parametrize(
    "change",
    [
        lambda t, f: f.clear(),
        lambda t, f: f.update(progress=[]),
        lambda t, f: f.update(identity=None),
        lambda t, f: f.update(identity={}),
        lambda t, f: f["progress"].pop("best_metrics"),
        lambda t, f: f["progress"].update(best_metrics=3),
        lambda t, f: f["progress"].update(more=3),
    ],
)
def test_facts_of_another_shape_are_refused(begun, change):
    rewrite(begun, change, with_sum=False)
    with pytest.raises(TrainingError, match=r"checkpoint\.safetensors|cannot be resumed"):
        run_stage(ToyStage(), CONFIG, begun, progress=False)


def test_a_run_from_before_check_sums_goes_on_as_if_unbroken(begun, tmp_path_factory):
    rewrite(begun, lambda tensors, facts: None, with_sum=False)
    whole = tmp_path_factory.mktemp("whole")
    run_stage(ToyStage(), CONFIG, whole, progress=False)
    run_stage(ToyStage(), CONFIG, begun, progress=False)
    assert (begun / "losses.jsonl").read_bytes() == (whole / "losses.jsonl").read_bytes()


def test_kept_weights_with_a_flipped_byte_are_refused(tmp_path):
    run_stage(ToyStage(), CONFIG, tmp_path, progress=False)
    path = tmp_path / "best.safetensors"
    whole = bytearray(path.read_bytes())
    whole[-1] ^= 1
    path.write_bytes(whole)
    with pytest.raises(TrainingError, match=r"best\.safetensors is not what was written"):
        run_stage(ToyStage(), CONFIG, tmp_path, progress=False)


@pytest.mark.parametrize(
    "tail",
    [
        b'{"step": 7, "upd',
        b"\0" * 512,
        b"\0" * 512 + b"\n",
        b"\xff\xfe\n",
        b"[]\n3\nnull\n{}\n",
        b'{"step": "7"}\n',
        b"[" * 100_000 + b"\n",
        b"\n\n",
    ],
)
def test_what_a_power_failure_leaves_of_the_journal_blocks_nothing(tmp_path, tail):
    kept = b"".join(b'{"step": %d, "loss": 0.5}\n' % step for step in (1, 2, 3))
    for name in ("losses.jsonl", "metrics.jsonl"):
        (tmp_path / name).write_bytes(kept + b'{"step": 4, "loss": 0.5}\n' + tail)
    keep_until(tmp_path, 3)
    assert (tmp_path / "losses.jsonl").read_bytes() == kept
    assert (tmp_path / "metrics.jsonl").read_bytes() == kept


@pytest.mark.parametrize("resume", [True, False])
def test_one_writer_a_run(begun, resume):
    before = {path.name: path.read_bytes() for path in begun.iterdir() if path.is_file()}
    with (
        only_writer(begun / LOCK, TrainingError("held")),
        pytest.raises(TrainingError, match="is being trained in by another process"),
    ):
        run_stage(ToyStage(), CONFIG, begun, resume=resume, progress=False)
    after = {path.name: path.read_bytes() for path in begun.iterdir() if path.is_file()}
    assert after == before, "the second one changed the first one's run"
    (begun / LOCK).touch()  # what a killed one leaves
    assert run_stage(ToyStage(), CONFIG, begun, progress=False).last_step == 12
    assert not (begun / LOCK).exists()


def test_the_lock_is_held_while_it_trains(tmp_path):
    class Second(ToyStage):
        def batch(self, step):
            with pytest.raises(TrainingError, match="another process"):
                run_stage(ToyStage(), CONFIG, tmp_path, progress=False)
            raise StopError

    with pytest.raises(StopError):
        run_stage(Second(), CONFIG, tmp_path, progress=False)


@pytest.mark.parametrize("text", ["[]", "3", "{}", "{"])
def test_a_done_file_of_another_shape_says_nothing(begun, text):
    (begun / "done.json").write_text(text)
    assert run_stage(ToyStage(), CONFIG, begun, progress=False).last_step == 12
