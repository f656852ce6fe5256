import json
import math
import os
import random
import signal
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import yaml
from safetensors.torch import load_file
from torch import nn

from despoof.core.errors import ConfigError, TrainingError
from despoof.training.config import TrainConfig
from despoof.training.loop import run_stage, run_stages
from despoof.training.stage import Update
from training.toy import ToyStage, make_module

CONFIG = TrainConfig(
    steps=20, checkpoint_every=4, validate_every=6, log_every=1, threads=1, ema_decay=0.9
)


def config(**changes):
    return TrainConfig.parse(CONFIG.plain() | changes)


def lines(folder, name="losses.jsonl"):
    return [json.loads(line) for line in (folder / name).read_text().splitlines()]


def assert_same_run(left, right):
    assert (left / "losses.jsonl").read_bytes() == (right / "losses.jsonl").read_bytes()
    assert (left / "metrics.jsonl").read_bytes() == (right / "metrics.jsonl").read_bytes()
    for name in ("best.safetensors", "checkpoint.safetensors"):
        ours, theirs = load_file(left / name), load_file(right / name)
        assert ours.keys() == theirs.keys()
        for key in ours:
            assert torch.equal(ours[key], theirs[key]), key


@pytest.fixture(scope="module")
def whole_run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    result = run_stage(ToyStage(), CONFIG, folder, progress=False)
    return folder, result


def test_a_run_leaves_all_that_is_needed_to_judge_it(whole_run):
    folder, result = whole_run
    assert result.last_step == 20 and not result.skipped
    rows = lines(folder)
    assert [row["step"] for row in rows[::2]] == list(range(1, 21))
    assert {row["update"] for row in rows} == {"head", "encoder"}
    assert rows[0].keys() >= {"loss", "gradient_norm", "learning_rate", "mean_logit"}
    assert [row["step"] for row in lines(folder, "metrics.jsonl")] == [6, 12, 18, 20]
    best = max(lines(folder, "metrics.jsonl"), key=lambda row: row["auc"])
    assert (result.best_step, result.best_metrics) == (best["step"], {"auc": best["auc"]})
    assert yaml.safe_load((folder / "config.yaml").read_text()) == CONFIG.plain()
    facts = json.loads((folder / "environment.json").read_text())
    assert facts["torch"] == torch.__version__ and facts["from_step"] == 0
    assert os.uname().nodename not in json.dumps(facts) and "/" not in json.dumps(facts)
    assert list(folder.glob("tensorboard/events*"))
    assert not list(folder.glob(".*")), "a temporary file is left"


def test_the_module_ends_with_the_best_averaged_weights(whole_run, tmp_path):
    stage = ToyStage()
    run_stage(stage, CONFIG, tmp_path, progress=False)
    best = load_file(whole_run[0] / "best.safetensors")
    for name, value in stage.module.state_dict().items():
        assert torch.equal(value, best[name])
    assert not stage.module.training
    assert stage.module.encoder[0].weight.is_contiguous(memory_format=torch.channels_last)


class CrashError(Exception):
    pass


@pytest.mark.parametrize("crash_at", [0, 3, 4, 11, 12, 19])
def test_a_crash_at_any_step_and_a_resume_equal_an_unbroken_run(crash_at, whole_run, tmp_path):
    class Crashing(ToyStage):
        def batch(self, step):
            if step == crash_at:
                raise CrashError
            return super().batch(step)

    with pytest.raises(CrashError):
        run_stage(Crashing(), CONFIG, tmp_path, progress=False)
    other_start = ToyStage(module=make_module(seed=99))  # must not matter
    result = run_stage(other_start, CONFIG, tmp_path, progress=False)
    assert_same_run(tmp_path, whole_run[0])
    assert result.best_step == whole_run[1].best_step


@pytest.mark.slow
def test_sigkill_at_a_random_moment_and_a_resume_equal_an_unbroken_run(tmp_path):
    settings = config(steps=80, checkpoint_every=5)
    unbroken, killed = tmp_path / "unbroken", tmp_path / "killed"
    run_stage(ToyStage(), settings, unbroken, progress=False)
    program = (
        "import sys, time; from pathlib import Path; from toy import ToyStage\n"
        "from despoof.training.loop import run_stage\n"
        "from despoof.training.config import TrainConfig\n"
        "class Slow(ToyStage):\n"
        "    def loss(self, batch):\n"
        "        time.sleep(0.01)\n"
        "        return super().loss(batch)\n"
        "run_stage(Slow(), TrainConfig.model_validate_json(sys.argv[1]), Path(sys.argv[2]))\n"
    )
    # Lines of the log, two a step: after the first checkpoint, and well before the end.
    for least in (random.randint(13, 40), random.randint(60, 100)):
        process = subprocess.Popen(
            [sys.executable, "-c", program, settings.model_dump_json(), str(killed)],
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parent)},
        )
        while process.poll() is None:
            written = killed / "losses.jsonl"
            if written.exists() and len(written.read_text().splitlines()) >= least:
                break
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL, "it ended before it was killed"
    with (killed / "losses.jsonl").open("a") as file:
        file.write('{"step": 17, "upd')  # a line torn by the kill
    run_stage(ToyStage(), settings, killed, progress=False)
    assert_same_run(killed, unbroken)
    facts = json.loads((killed / "environment.json").read_text())
    assert facts["from_step"] > 0 and len(facts["earlier"]) == 2


@pytest.mark.parametrize("in_step", [True, False])
def test_an_interrupt_saves_an_exact_checkpoint_and_is_passed_on(in_step, whole_run, tmp_path):
    class Interrupted(ToyStage):
        def loss(self, batch):
            if in_step and self.validated == 1:
                os.kill(os.getpid(), signal.SIGINT)  # arrives between two updates
                self.validated += 1
            return super().loss(batch)

        def batch(self, step):
            if not in_step and step == 9:
                raise KeyboardInterrupt
            return super().batch(step)

    with pytest.raises(KeyboardInterrupt):
        run_stage(Interrupted(), CONFIG, tmp_path, progress=False)
    run_stage(ToyStage(), CONFIG, tmp_path, progress=False)
    assert_same_run(tmp_path, whole_run[0])
    assert json.loads((tmp_path / "environment.json").read_text())["from_step"] == (
        7 if in_step else 9
    )
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_second_interrupt_does_not_wait_for_the_step(whole_run, tmp_path):
    class Impatient(ToyStage):
        def validate(self, module):
            os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGINT)
            raise AssertionError("not interrupted")

    with pytest.raises(KeyboardInterrupt):
        run_stage(Impatient(), CONFIG, tmp_path, progress=False)
    run_stage(ToyStage(), CONFIG, tmp_path, progress=False)  # from step 4: step 6 was not whole
    assert_same_run(tmp_path, whole_run[0])


def test_it_runs_outside_the_main_thread(whole_run, tmp_path):
    worker = threading.Thread(
        target=run_stage, args=(ToyStage(), CONFIG, tmp_path), kwargs={"progress": False}
    )
    worker.start()
    worker.join()
    assert_same_run(tmp_path, whole_run[0])


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_loss_that_is_not_finite_stops_with_update_and_step(value, tmp_path):
    class Broken(ToyStage):
        def updates(self):
            def loss(batch):
                total, logs = self.loss(batch)
                return (total * value if self.validated else total), logs

            return [*super().updates()[:1], Update("bad", self.module.encoder, loss, 1e-3)]

    with pytest.raises(TrainingError, match=r"'bad' at step 7: the loss is (nan|inf).*learning"):
        run_stage(Broken(), CONFIG, tmp_path, progress=False)
    assert all(
        value.isfinite().all() for value in load_file(tmp_path / "best.safetensors").values()
    )


def test_a_gradient_that_is_not_finite_stops_too(tmp_path):
    class Broken(ToyStage):
        def loss(self, batch):
            return (self.module.head.weight * 0).sum().sqrt(), {}

    with pytest.raises(TrainingError, match=r"'head' at step 1: the loss is 0 .* norm is nan"):
        run_stage(Broken(), CONFIG, tmp_path, progress=False)


def test_it_stops_early_and_keeps_the_best(tmp_path):
    answers = dict(enumerate(({"auc": v, "eer": 1 - v} for v in (0.5, 0.9, 0.8, 0.7, 0.95)), 1))
    settings = config(steps=100, validate_every=3, patience=2)
    result = run_stage(ToyStage(metrics=answers), settings, tmp_path, progress=False)
    assert (result.last_step, result.best_step) == (12, 6)
    assert result.best_metrics == pytest.approx({"auc": 0.9, "eer": 0.1})
    (tmp_path / "done.json").unlink()  # killed just before the end: nothing is trained again
    again = run_stage(ToyStage(metrics=answers), settings, tmp_path, progress=False)
    assert (again.last_step, again.best_step) == (12, 6)


def test_smaller_is_better_in_mode_min_and_nan_never_is(tmp_path):
    answers = dict(enumerate(({"eer": v} for v in (math.nan, 0.5, math.nan, 0.4, 0.6)), 1))
    settings = config(steps=5, validate_every=1, monitor="eer", monitor_mode="min")
    result = run_stage(ToyStage(metrics=answers), settings, tmp_path, progress=False)
    assert (result.best_step, result.best_metrics) == (4, {"eer": 0.4})


@pytest.mark.parametrize("ema_decay", [0, 0.5])
@pytest.mark.parametrize("answer", [{}, {"auc": math.nan}])
def test_without_a_usable_metric_the_last_weights_are_kept(answer, ema_decay, tmp_path):
    class Blind(ToyStage):
        def validate(self, module):
            return answer

    stage = Blind()
    settings = config(ema_decay=ema_decay)
    result = run_stage(stage, settings, tmp_path, progress=False)
    assert (result.best_step, result.best_metrics) == (20, {})
    checkpoint = load_file(tmp_path / "checkpoint.safetensors")
    prefix = "average" if ema_decay else "model"
    assert torch.equal(stage.module.head.weight, checkpoint[f"{prefix}/head.weight"])
    assert run_stage(Blind(), settings, tmp_path, progress=False).skipped


def test_a_monitor_that_is_not_measured_names_the_nearest(tmp_path):
    with pytest.raises(TrainingError, match=r"monitor='aux' .*'auc'\? Choose one of: auc"):
        run_stage(ToyStage(), config(monitor="aux"), tmp_path, progress=False)


def test_resuming_another_run_says_what_differs(tmp_path):
    class Crashing(ToyStage):
        def batch(self, step):
            raise CrashError

    with pytest.raises(CrashError):
        run_stage(Crashing(), CONFIG, tmp_path, progress=False)
    with pytest.raises(TrainingError, match=r"seed was 0 and is 3.*'data-1' and is 'data-2'"):
        run_stage(ToyStage(mark="data-2"), config(seed=3), tmp_path, progress=False)
    bigger = ToyStage()
    bigger.module.head = nn.Linear(4, 2)
    with pytest.raises(TrainingError, match="of another network"):
        run_stage(bigger, CONFIG, tmp_path, progress=False)
    (tmp_path / "checkpoint.safetensors").write_bytes(b"\x00" * 40)
    with pytest.raises(TrainingError, match="not a whole checkpoint"):
        run_stage(ToyStage(), CONFIG, tmp_path, progress=False)
    assert run_stage(ToyStage(), CONFIG, tmp_path, resume=False, progress=False).last_step == 20


def test_the_seed_changes_dropout(whole_run, tmp_path):
    run_stage(ToyStage(), config(seed=1), tmp_path, progress=False)
    assert lines(tmp_path)[0]["loss"] != lines(whole_run[0])[0]["loss"]


def test_prefetch_does_not_change_the_run(whole_run, tmp_path):
    run_stage(ToyStage(), config(prefetch=0), tmp_path, progress=False)
    assert (tmp_path / "losses.jsonl").read_text() == (whole_run[0] / "losses.jsonl").read_text()


@pytest.mark.usefixtures("emulated_bf16")
def test_bf16_runs_the_loss_under_autocast_and_keeps_fp32_weights(tmp_path):
    seen = []

    class Watching(ToyStage):
        def loss(self, batch):
            logits = self.module(batch["faces"])
            seen.append(logits.dtype)
            return logits.float().square().mean(), {}

    stage = Watching()
    run_stage(stage, config(precision="bf16", steps=2), tmp_path, progress=False)
    assert set(seen) == {torch.bfloat16}
    assert {p.dtype for p in stage.module.parameters()} == {torch.float32}


def test_log_every_thins_the_lines_out(tmp_path):
    run_stage(ToyStage(), config(log_every=8), tmp_path, progress=False)
    assert [row["step"] for row in lines(tmp_path)[::2]] == [1, 8, 16, 20]


def test_stages_run_in_order_are_skipped_when_unchanged_and_rerun_when_not(tmp_path):
    def run(*marks, **changes):
        stages = [ToyStage(name=f"s{i}", mark=mark) for i, mark in enumerate(marks)]
        return run_stages(stages, config(**changes), tmp_path, progress=False), stages

    results, _ = run("a", "b")
    assert [r.skipped for r in results] == [False, False]
    assert [r.folder for r in results] == [tmp_path / "s0", tmp_path / "s1"]
    results, stages = run("a", "c")
    assert [r.skipped for r in results] == [True, False]
    best = load_file(tmp_path / "s0" / "best.safetensors")
    assert torch.equal(stages[0].module.head.weight, best["head.weight"])
    assert [r.skipped for r in run("a", "c", seed=5)[0]] == [False, False]
    (tmp_path / "s1" / "best.safetensors").unlink()
    assert [r.skipped for r in run("a", "c", seed=5)[0]] == [True, False]


def test_each_stage_may_have_its_own_settings(tmp_path):
    stages = [ToyStage(name="short"), ToyStage(name="long")]
    settings = {"short": config(steps=2), "long": config(steps=3)}
    results = run_stages(iter(stages), settings, tmp_path, progress=False)
    assert [result.last_step for result in results] == [2, 3]
    with pytest.raises(TrainingError, match="'other' has no settings, only short, long have"):
        run_stages([ToyStage(name="other")], settings, tmp_path, progress=False)


def test_several_processes_are_refused(tmp_path, monkeypatch):
    import accelerate

    monkeypatch.setattr(accelerate.Accelerator, "num_processes", 2)
    with pytest.raises(TrainingError, match="Started as 2 processes, expected 1"):
        run_stage(ToyStage(), CONFIG, tmp_path, progress=False)


@pytest.mark.parametrize("change", ["renamed", "swapped"])
def test_an_optimiser_of_other_updates_is_refused(change, tmp_path):
    class Changed(ToyStage):
        def updates(self):
            head, encoder = super().updates()
            if change == "renamed":
                return [head, replace(encoder, name="backbone")]
            return [replace(head, module=encoder.module), replace(encoder, module=head.module)]

    class Crashing(ToyStage):
        def batch(self, step):
            if step == 5:
                raise CrashError
            return super().batch(step)

    with pytest.raises(CrashError):
        run_stage(Crashing(), CONFIG, tmp_path, progress=False)
    with pytest.raises(TrainingError, match="of another network: its optimiser's"):
        run_stage(Changed(), CONFIG, tmp_path, progress=False)


def test_a_finished_run_of_another_network_is_refused(tmp_path):
    run_stage(ToyStage(), config(steps=1), tmp_path, progress=False)
    other = ToyStage()
    other.module.head = nn.Linear(4, 2)
    with pytest.raises(TrainingError, match=r"best\.safetensors is of another network"):
        run_stage(other, config(steps=1), tmp_path, progress=False)


def test_two_stages_of_one_name_are_refused(tmp_path):
    with pytest.raises(TrainingError, match="Two stages are named 'toy'"):
        run_stages([ToyStage(), ToyStage()], CONFIG, tmp_path, progress=False)


def test_a_misspelt_setting_names_the_nearest():
    with pytest.raises(ConfigError, match=r"'checkpoint_evry'. Did you mean 'checkpoint_every'"):
        TrainConfig.parse({"steps": 1, "checkpoint_evry": 3})
