import pytest
import torch
from safetensors.torch import load_file

from despoof.data.views import DataConfig
from despoof.systems.experiment import read_experiment, train_experiment
from despoof.systems.face_despoofing.config import FaceDespoofingConfig
from despoof.systems.face_despoofing.refine import RefineConfig, RefineStage, refined_config
from despoof.systems.face_despoofing.stages import FaceDespoofingStage, RecipeConfig
from despoof.systems.face_despoofing.system import FaceDespoofing
from despoof.systems.records import RECORDS
from despoof.systems.saving import load_system
from despoof.training.config import TrainConfig
from despoof.training.folder import BEST
from despoof.training.optimise import prepare_updates, run_update
from systems.test_every_system import build, faces_for, write_experiment

RECORD = RECORDS["face-despoofing"]
TINY = RefineConfig(decoder_width=0.25, batch_size=6)


def data_config(root, cache):
    return DataConfig.parse(
        {
            "root": str(root),
            "cache": str(cache),
            "stored_size": 48,
            "sources": [
                {"dataset": "celeba-spoof", "label": "live", "weight": 1, "simulate": "attack"},
                {"dataset": "celeba-spoof", "label": "live", "weight": 1},
            ],
            "dev": ["celeba-spoof"],
        }
    )


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def make_stage(made_up_root, cache):
    def make(trained=None, refine=TINY, seed=0):
        return RefineStage(trained or build(RECORD), refine, data_config(made_up_root, cache), seed)

    return make


def train(stage, steps):
    stage.module.train()
    trained = prepare_updates(stage.updates(), stage.module)
    config = TrainConfig(steps=steps)
    for step in range(steps):
        for item in trained:
            batch = stage.batch(step)
            run_update(item, stage.module, batch, config, factor=1.0, step=step + 1)
    stage.module.eval()


def state_of(module):
    return {key: value.clone() for key, value in module.state_dict().items()}


def test_only_the_decoder_is_new():
    old = FaceDespoofingConfig.parse(RECORD.tiny)
    new = refined_config(old, RefineConfig(decoder_width=0.5))
    assert new.network.decoder_sees_photo and new.network.decoder_width == 0.5
    network = new.network.model_copy(
        update={"decoder_sees_photo": False, "decoder_width": old.network.decoder_width}
    )
    assert new.model_copy(update={"network": network}) == old


def test_scores_do_not_change_by_a_bit(make_stage):
    trained = build(RECORD)
    faces = faces_for(trained)
    before = trained.score(faces)
    stage = make_stage(trained)
    start = stage.system.eval().decompose(faces)
    train(stage, 3)
    after = stage.system.decompose(faces)
    for score in (start.score, after.score, stage.system.score(faces), trained.score(faces)):
        assert torch.equal(score, before)
    assert torch.equal(start.evidence, after.evidence)
    assert not torch.equal(start.genuine, after.genuine), "the decoder learnt nothing"


def test_only_the_decoder_moves(make_stage):
    trained = build(RECORD)
    theirs = state_of(trained)
    stage = make_stage(trained)
    assert [update.module for update in stage.updates()] == [stage.system.ds.decoder]
    before = state_of(stage.module)
    train(stage, 2)
    after = stage.module.state_dict()
    moved = {key for key, value in after.items() if not torch.equal(value, before[key])}
    decoder = {key for key in after if key.startswith("ds.decoder.")}
    assert moved == decoder, "all of the decoder moves, batch statistics too, and nothing else"
    assert all(torch.equal(trained.state_dict()[key], value) for key, value in theirs.items())


def test_the_encoder_is_given_back_in_its_mode(make_stage):
    stage = make_stage()
    for mode in (True, False):
        stage.module.train(mode)
        stage.loss(stage.batch(0))
        assert stage.system.ds.encoder.training is mode
        assert all(part.training is mode for part in stage.system.ds.encoder.modules())


def test_the_exact_noise_has_no_loss(make_stage, monkeypatch):
    stage = make_stage()
    batch, system = stage.batch(0), stage.system
    target = system.six_channels(batch["target"])
    monkeypatch.setattr(
        system.ds.decoder, "forward", lambda _features, six: (six - target) * system.ds.gain
    )
    loss, logs = stage.loss(batch)
    assert float(loss) == pytest.approx(0, abs=1e-6)
    assert float(logs["live"]) == pytest.approx(0, abs=1e-6)


def test_the_loss_is_the_error_in_all_six_channels(make_stage):
    stage = make_stage()
    with torch.no_grad():
        stage.system.ds.decoder.last.weight.zero_()  # no noise: the estimate is the photograph
    batch = stage.batch(0)
    six, target = (stage.system.six_channels(batch[name]) for name in ("faces", "target"))
    loss, logs = stage.loss(batch)
    torch.testing.assert_close(loss, (six - target).abs().mean())
    assert logs["live"] == 0 < logs["recaptured"]
    live = batch["live"]
    assert int(live.sum()) == round(TINY.live_share * len(live)) > 0


def test_without_noise_nothing_is_gained_and_live_faces_stay(make_stage):
    stage = make_stage()
    with torch.no_grad():
        stage.system.ds.decoder.last.weight.zero_()
    metrics = stage.validate(stage.module.eval())
    assert set(metrics) == {"psnr_gain", "psnr_before", "psnr_after", "psnr_live"}
    assert metrics["psnr_gain"] == pytest.approx(0, abs=1e-3)
    assert metrics["psnr_live"] > 90
    faces, target, live = (stage.dev[name] for name in ("faces", "target", "live"))
    error = ((faces - target) / 2)[~live].square().mean(dim=(1, 2, 3))
    assert metrics["psnr_before"] == pytest.approx(float((-10 * error.log10()).mean()), rel=1e-4)


def test_it_learns_to_take_the_simulated_noise_away(make_stage):
    stage = make_stage(refine=RefineConfig(decoder_width=0.5, batch_size=12))
    before = stage.validate(stage.module.eval())
    train(stage, 60)
    after = stage.validate(stage.module)
    assert after["psnr_before"] == before["psnr_before"]
    assert after["psnr_gain"] > 0.5 > before["psnr_gain"]


def test_batches_and_start_are_pure_functions_of_the_seed(make_stage):
    one, two, other = make_stage(), make_stage(), make_stage(seed=1)
    assert not torch.equal(one.batch(4)["faces"], one.batch(5)["faces"])
    for key, value in one.batch(4).items():
        assert torch.equal(value, two.batch(4)[key]), key
    for key, value in one.module.state_dict().items():
        assert torch.equal(value, two.module.state_dict()[key]), key
    assert not torch.equal(one.batch(4)["faces"], other.batch(4)["faces"])


def test_other_trained_weights_or_settings_are_another_run(make_stage):
    first = make_stage().fingerprint()
    assert make_stage().fingerprint() == first

    def nudged(key):
        trained = build(RECORD)
        trained.state_dict()[key].view(-1)[0].add_(1e-3)
        return make_stage(trained).fingerprint()

    names = build(RECORD).state_dict()
    decoder = next(name for name in names if name.startswith("ds.decoder.") and "weight" in name)
    encoder = next(name for name in names if name.startswith("ds.encoder.") and "weight" in name)
    statistic = next(name for name in names if name.startswith("ds.encoder.") and "mean" in name)
    assert nudged(decoder) == first, "the old decoder is thrown away"
    assert len({first, nudged(encoder), nudged(statistic)}) == 3
    slower = TINY.model_copy(update={"learning_rate": 1e-3})
    assert make_stage(refine=slower).fingerprint() != first
    assert make_stage(seed=1).fingerprint() != first


def test_asking_for_a_refined_decoder_does_not_train_the_first_stage_again(made_up_root, cache):
    config, data = FaceDespoofingConfig.parse(RECORD.tiny), data_config(made_up_root, cache)
    data = data.model_copy(
        update={"sources": (*data.sources, data.sources[1].model_copy(update={"label": "attack"}))}
    )
    fingerprints = {
        FaceDespoofingStage(config, RecipeConfig(refine=refine), data, 0).fingerprint()
        for refine in (None, TINY)
    }
    assert len(fingerprints) == 1


def test_an_experiment_with_a_refined_decoder_saves_it(made_up_root, tmp_path):
    refine = {"decoder_width": 0.3, "batch_size": 4}
    path = write_experiment(RECORD, made_up_root, tmp_path, steps=2, refine=refine)
    experiment = read_experiment(
        path, ["stage_train.decoder.steps=3", "stage_train.decoder.monitor=psnr_gain"]
    )
    first, second = train_experiment(experiment, progress=False)
    assert (first.last_step, second.last_step) == (2, 3)
    assert "auc" in first.best_metrics and "psnr_gain" in second.best_metrics
    name, system = load_system(tmp_path / "run" / "weights")
    assert name == RECORD.name and isinstance(system, FaceDespoofing)
    network = system.config.network
    assert network.decoder_sees_photo and network.decoder_width == 0.3
    assert torch.isfinite(system.decompose(faces_for(system)).genuine).all()
    # Everything but the decoder is what the first stage kept, bit for bit.
    kept = load_file(tmp_path / "run" / "face-despoofing" / BEST)
    for key, value in system.state_dict().items():
        if not key.startswith("ds.decoder."):
            assert torch.equal(value, kept[key]), key
    assert all(result.skipped for result in train_experiment(experiment, progress=False))
