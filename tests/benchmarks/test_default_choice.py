"""How the default is chosen: the figures of one choice, from scores whose answers are known."""

import numpy as np
import pytest
import torch

from benchmarks.programs import program
from despoof.core.errors import InputError
from despoof.face.crop import CropConfig
from despoof.systems.saving import load_system, save_system
from despoof.systems.texture.config import TextureConfig
from despoof.systems.texture.system import Texture


@pytest.fixture
def choice():
    return program("default_choice")


def one(choice, name, live):
    people = [str(i) for i in range(len(live))]
    return choice.Set(name, {}, np.array(live), ["live" if x else "print" for x in live], people)


def test_the_row_of_a_choice_is_that_of_the_mean_of_its_looks(choice):
    both = [True] * 20 + [False] * 20
    names = [*choice.REAL, choice.SIMULATED]
    sets = [one(choice, name, both) for name in names] + [one(choice, choice.PLAIN, [True] * 20)]
    near = np.r_[np.arange(20) + 20.0, np.arange(20.0)]  # live is higher throughout
    scores = {name: {1.2: near, 1.75: -near} for name in names}
    scores[choice.PLAIN] = {1.2: np.arange(20.0), 1.75: np.zeros(20)}
    row = choice.row_of("new", (1.2,), 192, sets, scores)
    assert row["mean_auc"] == 1 and 19 <= row["threshold"] <= 20
    assert row["bpcer"][choice.PLAIN]["k"] == 20, "all below the threshold of the real sets"
    # Of the twenty live faces 0 … 19 one may be turned away; attacks 1 … 19 then pass.
    strict = row["at_5_percent"][choice.PLAIN]
    assert 0 < strict["threshold"] < 1 and np.sum(np.arange(20) <= strict["threshold"]) == 1
    assert strict["apcer"][choice.REAL[0]]["k"] == 19
    together = choice.row_of("new", (1.2, 1.75), 192, sets, scores)
    assert together["mean_auc"] == pytest.approx(0.5), "one look says what the other denies"


def test_the_mean_of_two_networks_is_that_of_their_tensors():
    mean_weights = program("mean_weights")
    first = {"weight": torch.tensor([3.0, 1.0]), "seen": torch.tensor(7)}
    second = {"weight": torch.tensor([1.0, 1.0]), "seen": torch.tensor(2)}
    mixed = mean_weights.mean_of(first, second)
    assert mixed["weight"].tolist() == [2.0, 1.0] and mixed["seen"].item() == 2
    assert first["weight"].tolist() == [3.0, 1.0], "the first one stays"
    with pytest.raises(InputError, match=r"The networks differ, e\.g\. in .*weight"):
        mean_weights.mean_of(first, second | {"weight": torch.zeros(3)})


def test_a_mean_of_runs_loads_and_names_both(tmp_path, monkeypatch, capsys):
    config = TextureConfig(crop=CropConfig(size=64, scale=1.2), stop=16)
    for seed, name in enumerate(("one", "two")):
        torch.manual_seed(seed)
        save_system(tmp_path / name / "weights", "texture", config, Texture(config))
        (tmp_path / name / "experiment.yaml").write_text(f"output: runs/{name}\n")
    out = tmp_path / "mean"
    argv = ["mean_weights.py", str(tmp_path / "one"), str(tmp_path / "two"), "-o", str(out)]
    monkeypatch.setattr("sys.argv", [*argv, "--side", "96"])
    program("mean_weights").main()
    assert "the mean of one and two" in capsys.readouterr().out
    assert (out / "experiment.yaml").read_text() == "output: runs/two\n"
    said = "experiments/small/one.yaml and experiments/small/two.yaml (mean of their weights)"
    assert program("publish").origin(out) == said
    assert program("publish").origin(tmp_path / "one") == "experiments/small/one.yaml"
    key = "network.heads.face.5.weight"
    tensors = {n: load_system(tmp_path / n / "weights")[1].state_dict() for n in ("one", "two")}
    mean = load_system(out / "weights")[1]
    assert (mean.config.crop.size, mean.config.crop.scale) == (96, 1.2)
    mixed = mean.state_dict()[key]
    assert torch.allclose(mixed, (tensors["one"][key] + tensors["two"][key]) / 2)
