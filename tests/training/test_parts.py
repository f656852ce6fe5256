import io
import threading
import time
from types import SimpleNamespace

import pytest
import torch
from rich.console import Console
from torch import nn

from despoof.training import environment
from despoof.training.config import TrainConfig
from despoof.training.display import progress_bar
from despoof.training.ema import start_average, update_average, wearing
from despoof.training.prefetch import prefetched
from despoof.training.schedule import learning_rate_factor
from despoof.training.tensors import read_tensors, write_tensors


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"schedule": "constant"}, {0: 1, 99: 1}),
        ({"schedule": "constant", "warmup_steps": 4}, {0: 0.25, 1: 0.5, 3: 1, 4: 1}),
        ({"schedule": "cosine"}, {0: 1, 25: 0.8535534, 50: 0.5, 75: 0.1464466, 100: 0}),
        ({"schedule": "cosine", "warmup_steps": 20}, {0: 0.05, 19: 1, 20: 1, 60: 0.5, 100: 0}),
        ({"schedule": "cosine", "warmup_steps": 100}, {0: 0.01, 99: 1}),
        ({"schedule": "step"}, {0: 1, 99: 1}),
        ({"schedule": "step", "decay_every": 30}, {0: 1, 29: 1, 30: 0.8, 60: 0.64, 90: 0.512}),
        (
            {"schedule": "step", "decay_every": 3, "warmup_steps": 5, "decay_factor": 0.5},
            {0: 0.2, 3: 0.4, 4: 0.5, 6: 0.25},
        ),
    ],
)
def test_the_schedule_by_hand(settings, expected):
    config = TrainConfig(steps=100, **settings)
    values = {step: learning_rate_factor(config, step) for step in expected}
    assert values == pytest.approx(expected, abs=1e-6)


def test_the_average_by_hand():
    module = nn.Sequential(nn.Linear(1, 1, bias=False), nn.BatchNorm1d(1, affine=False))
    nn.init.constant_(module[0].weight, 10.0)
    average = start_average(module)
    expected = 10.0
    for step, weight in enumerate([4.0, 7.0, -2.0, 0.5]):
        nn.init.constant_(module[0].weight, weight)
        module[1].running_mean.fill_(step)
        module[1].num_batches_tracked.fill_(step)
        update_average(average, module, 0.25, step)
        decay = min(0.25, (1 + step) / (10 + step))  # 0.1, 2/11, 0.25, 0.25
        expected = decay * expected + (1 - decay) * weight
        assert average["0.weight"].item() == pytest.approx(expected)
        assert average["1.running_mean"].item() == step, "statistics are copied, not averaged"
        assert average["1.num_batches_tracked"].item() == step


def test_the_average_is_fp32_whatever_the_module_is():
    module = nn.Linear(1, 1).bfloat16()
    average = start_average(module)
    for step in range(300):
        update_average(average, module, 0.999, step)
    assert average["weight"].dtype == torch.float32
    with wearing(module, average) as worn:
        assert worn.weight.dtype == torch.bfloat16


def test_wearing_gives_everything_back_even_after_an_error():
    module = nn.Sequential(nn.BatchNorm1d(2), nn.Dropout())
    module[1].eval()
    before = {k: v.clone() for k, v in module.state_dict().items()}
    other = {k: v + 1 for k, v in before.items()}
    with pytest.raises(KeyError), wearing(module, other):
        assert not module[0].training and torch.equal(module[0].weight, before["0.weight"] + 1)
        raise KeyError
    assert module[0].training and not module[1].training
    assert all(torch.equal(v, before[k]) for k, v in module.state_dict().items())


@pytest.mark.parametrize("ahead", [0, 1, 5])
def test_prefetched_items_come_in_order(ahead):
    with prefetched(lambda index: index * index, 3, 8, ahead) as items:
        assert list(items) == [9, 16, 25, 36, 49]


@pytest.mark.parametrize("ahead", [0, 2])
def test_a_failing_batch_is_raised_where_it_is_taken(ahead):
    def make(index):
        if index == 2:
            raise OSError("disk gone")
        return index

    with prefetched(make, 0, 5, ahead) as items:
        assert [next(items), next(items)] == [0, 1]
        with pytest.raises(OSError, match="disk gone"):
            next(items)


def test_leaving_early_ends_the_thread():
    made = []
    with prefetched(lambda index: made.append(index) or index, 0, 10**9, 3) as items:
        next(items)
        while len(made) < 5:  # the queue is full and the thread waits
            time.sleep(0.01)
    assert len(made) == 5
    assert not any(t.name == "despoof-prefetch" for t in threading.enumerate())


def test_tied_weights_survive_a_checkpoint(tmp_path):
    weight = torch.arange(6.0).reshape(2, 3)
    write_tensors(tmp_path / "x.safetensors", {"a": weight, "b": weight.T}, {"v": float("nan")})
    tensors, facts = read_tensors(tmp_path / "x.safetensors")
    assert torch.equal(tensors["a"], tensors["b"].T) and facts == {"v": None}


@pytest.mark.parametrize("shown", [True, False])
def test_the_bar_shows_rate_and_note_only_when_asked(shown):
    console = Console(file=io.StringIO(), force_terminal=True, width=160)
    with progress_bar("depth", 10, 2, shown, console) as show:
        show(5, "loss 0.25")
        show(10, "")
    text = console.file.getvalue()
    assert all((word in text) == shown for word in ("depth", "10/10", "steps/s", "loss 0.25"))


def test_the_environment_is_described_without_git_or_proc(monkeypatch):
    def absent(*_, **__):
        raise OSError

    monkeypatch.setattr(environment.subprocess, "run", absent)
    monkeypatch.setattr(
        environment, "Path", lambda *_: SimpleNamespace(read_text=absent, parent=".")
    )
    monkeypatch.setattr(environment, "PACKAGES", ("torch", "no-such-package"))
    facts = environment.describe_environment()
    assert facts["git_commit"] is None and facts["cpu"]
    assert facts["packages"].keys() == {"torch"}
