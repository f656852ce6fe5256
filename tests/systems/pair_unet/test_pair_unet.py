import pytest
import torch
from data.made_up_data import make_data_root

from despoof.core.errors import ConfigError
from despoof.data.views import DataConfig, SourceConfig
from despoof.systems.pair_unet.config import PairUnetConfig
from despoof.systems.pair_unet.stage import PairUnetStage, RecipeConfig, live_controls
from despoof.systems.pair_unet.system import PairUnet
from despoof.systems.records import RECORDS
from despoof.training.config import TrainConfig
from despoof.training.optimise import prepare_updates, run_update

TINY = PairUnetConfig.parse(RECORDS["pair-unet"].tiny)


def faces(n=4, side=32):
    return torch.rand(n, 3, side, side, generator=torch.Generator().manual_seed(2)) * 2 - 1


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pairs")
    live = {"dataset": "celeba-spoof", "label": "live", "weight": 1}
    return DataConfig.parse(
        {
            "root": str(make_data_root(folder)),
            "cache": str(folder / "cache"),
            "stored_size": 48,
            "batch_size": 8,
            "sources": [live | {"simulate": "attack"}, live | {"simulate": "camera"}],
            "dev": ["celeba-spoof"],
        }
    )


@pytest.fixture
def stage(data):
    return PairUnetStage(TINY, RecipeConfig(), data, seed=0)


def test_the_default_has_two_million_parameters():
    count = sum(p.numel() for p in PairUnet().parameters())
    assert 1.9e6 < count < 2.3e6


def test_it_starts_with_almost_no_noise_and_no_evidence():
    torch.manual_seed(0)
    system = PairUnet(TINY).eval()
    parts = system.decompose(faces())
    assert parts.noise.abs().max() < 0.05 and parts.evidence.max() < 0.1


def test_evidence_lies_where_the_noise_is(monkeypatch):
    system = PairUnet(TINY).eval()
    noise = torch.zeros(1, 3, 32, 32)
    noise[:, :, 8:16, 20:28] = 0.15
    monkeypatch.setattr(
        system.network, "forward", lambda x: type("O", (), {"noise": noise, "logit": noise.sum()})
    )
    evidence = system.decompose(faces(1) * 0.5).evidence[0]
    assert torch.equal(evidence > 0.5, noise[0, 0] > 0)
    torch.testing.assert_close(evidence.max(), torch.tensor(1 - 2.718281828**-1))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"crop": {"size": 40, "scale": 1.25}}, "crop.size 40 must be a multiple of 16 for 4 lev"),
        ({"network": {"widths": [12, 24]}}, r"widths \(12, 24\) must be multiples of 8"),
        ({"network": {"widhts": [8]}}, "unknown key 'network.widhts'. Did you mean 'widths'"),
    ],
)
def test_a_network_that_cannot_be_is_refused_in_words(values, message):
    with pytest.raises(ConfigError, match=message):
        PairUnetConfig.parse(values)


def test_live_faces_come_through_the_simulated_cameras_and_are_their_own_target(stage, data):
    batch = stage.batch(3)
    live = batch["live"]
    assert live.sum() == 3 and len(live) == 8  # round(.35 · 8)
    assert torch.equal(batch["faces"][live], batch["target"][live])
    assert torch.equal(batch["faces"][live], stage.cameras.batch(3)["faces"])
    attack = batch["faces"][~live] - batch["target"][~live]
    assert (attack.abs().mean(dim=(1, 2, 3)) > 0.005).all()
    plain = live_controls(data.model_copy(update={"sources": data.sources[:1]}), 32, 0.35, 0)
    assert plain is None, "without such a source the pairs bring their own live faces"


def test_attacks_through_cameras_are_no_live_controls(data):
    attack = SourceConfig(dataset="nuaa", label="attack", weight=1, simulate="camera")
    both = live_controls(data.model_copy(update={"sources": (*data.sources, attack)}), 32, 0.35, 0)
    assert both is not None and all(store.live.all() for store in both.stores)


def test_the_loss_is_least_for_the_true_noise(stage, monkeypatch):
    batch = stage.batch(0)
    truth = batch["faces"] - batch["target"]
    sure = 20 * batch["live"].float() - 10
    found = {}
    for name, noise in {"truth": truth, "half": truth / 2, "zero": 0 * truth}.items():
        answer = type("Output", (), {"noise": noise, "logit": sure})
        monkeypatch.setattr(stage.module.network, "forward", lambda x, answer=answer: answer)
        loss, logs = stage.loss(batch)
        found[name] = loss.item()
        assert logs["l1_live"] == 0, "nothing is asked of a live face"
    assert found["truth"] < 0.1 * found["zero"] and found["truth"] < found["half"] < found["zero"]


def test_it_learns_the_noise_of_a_batch(stage):
    batch = stage.batch(0)
    stage.module.train()
    (trained,) = prepare_updates(stage.updates(), stage.module)
    first, last = {}, {}
    for step in range(1, 61):
        logs = run_update(
            trained, stage.module, batch, TrainConfig(steps=60), factor=3.0, step=step
        )
        first, last = first or logs, logs
    assert last["l1_attack"] < 0.75 * first["l1_attack"]
    assert last["spectrum"] < first["spectrum"] and last["bce"] < 0.5 * first["bce"]


def test_validation_measures_the_noise_of_development_pairs(data):
    stage = PairUnetStage(TINY, RecipeConfig(dev_pairs=8), data, seed=0)
    found = stage.validate(stage.module.eval())
    assert {"auc", "noise_error", "noise_live"} <= set(found)
    assert found["noise_error"] == pytest.approx(1, abs=0.1), "almost no noise at the start"
    assert 0 <= found["noise_live"] < 0.05
    assert found == stage.validate(stage.module), "the same pairs every time"
