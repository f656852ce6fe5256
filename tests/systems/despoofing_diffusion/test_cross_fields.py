import copy
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
import torch
from data.made_up_data import PLAN, make_data_root
from hypothesis import given, settings
from hypothesis import strategies as st

from despoof.core.errors import ConfigError, TrainingError
from despoof.data.augment import AugmentConfig
from despoof.data.views import DataConfig, training_mix
from despoof.systems.despoofing_diffusion import cached_faces as cached
from despoof.systems.despoofing_diffusion.cached_faces import cached_faces
from despoof.systems.despoofing_diffusion.cross_fields import (
    CrossFields,
    fold_loss,
    of_folds,
    take_fields,
)
from despoof.systems.despoofing_diffusion.fields import FieldsRecipe, FieldsStage
from despoof.systems.despoofing_diffusion.people import deal, deal_folds, picks
from despoof.systems.despoofing_diffusion.system import bridged_faces
from despoof.systems.despoofing_diffusion.system_config import DespoofingDiffusionConfig
from despoof.systems.experiment import read_experiment, train_experiment
from despoof.systems.records import RECORDS
from despoof.training.config import TrainConfig
from despoof.training.folder import load_best
from despoof.training.loop import run_stage
from systems.test_every_system import data_config, write_experiment

pytest.importorskip("diffusers")
RECORD = RECORDS["despoofing-diffusion"]
CONFIG = DespoofingDiffusionConfig.parse(RECORD.tiny)
TWO = FieldsRecipe(folds=2, dev_faces=4, dev_times=1)
CALM = AugmentConfig(probability=0, together=0, erase=0, rotation=0, aspect=0, shift=0)


@pytest.fixture(scope="module")
def made_up_root(tmp_path_factory):
    """Faces of three people in all, whom two folds part into one and two."""
    lfw = (("train", "A_B", 4, 0), ("dev", "C_D", 2, 0))
    return make_data_root(tmp_path_factory.mktemp("few"), PLAN | {"lfw": lfw})


@pytest.fixture(scope="module")
def data(tmp_path_factory, made_up_root):
    folder = tmp_path_factory.mktemp("cross")
    return DataConfig.parse(data_config(made_up_root, folder, dev=["nuaa"]))


@pytest.fixture(scope="module")
def mix(data):
    return training_mix(data, 32, 0)


@pytest.fixture(scope="module")
def folds(data, mix):
    return deal_folds(data, mix, 2, 0)


def painted(mix, colour):
    """The same mix with every picture in one grey level: `colour(source, row)`."""
    stores = []
    for s, store in enumerate(mix.stores):
        levels = np.array([colour(s, i) for i in range(len(store.live))], np.uint8)
        images = np.broadcast_to(levels[:, None, None, None], store.images.shape).copy()
        stores.append(replace(store, images=images))
    return replace(mix, stores=tuple(stores))


@settings(deadline=None)
@given(
    st.dictionaries(st.text("abcdef", min_size=1), st.integers(1, 50), max_size=30),
    st.integers(2, 6),
    st.integers(0, 3),
)
def test_everybody_is_dealt_once_and_evenly(pictures, count, seed):
    where = deal(pictures, count, seed)
    assert where.keys() == pictures.keys() and set(where.values()) <= set(range(count))
    held = [sum(n for p, n in pictures.items() if where[p] == k) for k in range(count)]
    assert max(held) - min(held) <= max(pictures.values(), default=0)
    assert where == deal(dict(reversed(pictures.items())), count, seed), "not by the table's order"


def test_picks_are_the_pictures_of_the_batch(mix):
    calm = replace(mix, config=mix.config.model_copy(update={"augment": CALM}))
    coded = painted(calm, lambda s, i: 60 * s + i)
    for step in range(5):
        batch = coded.batch(step)
        middle = ((batch["faces"][:, 0, 16, 16] + 1) * 127.5).round().int().tolist()
        assert middle == [60 * s + i for s, i in picks(mix, step)]


def test_a_person_is_in_one_fold_in_every_source(made_up_root, mix, folds):
    """Tables of the made-up data: person 7 has eight pictures of each class, 8 four, A_B alone."""
    live, attack, lfw, simulated = folds.fold
    seven, eight = int(live[0]), int(live[-1])
    assert seven != eight
    assert live.tolist() == attack.tolist() == simulated.tolist() == [seven] * 8 + [eight] * 4
    assert len(set(lfw.tolist())) == 1
    assert all(named.all() for named in folds.named)
    rows = folds.rows(mix, 3)
    expected = [int(folds.fold[s][i]) for s, i in picks(mix, 3)]
    assert rows["fold"].tolist() == expected


def test_unnamed_pictures_teach_no_fold(data, mix, monkeypatch):
    from despoof.systems.despoofing_diffusion import people

    def without_names(root, dataset):
        found = people_read(root, dataset)
        return [replace(s, subject="") if s.subject == "8" else s for s in found]

    people_read = people.read_samples
    monkeypatch.setattr(people, "read_samples", without_names)
    with pytest.raises(ConfigError, match=r"people of fold 1 no live picture is left"):
        deal_folds(data, mix, 2, 0)


def test_the_fields_of_a_fold_never_see_its_people(data, folds):
    """Other pictures of a fold's people change every field but theirs, bit by bit."""

    def trained(repaint):
        stage = FieldsStage(CONFIG, TWO, data, 0)
        if repaint is not None:
            grey = painted(stage.mix, lambda s, i: 200)
            stores = []
            for own, other, fold in zip(stage.mix.stores, grey.stores, folds.fold, strict=True):
                chosen = (fold == repaint)[:, None, None, None]
                stores.append(replace(own, images=np.where(chosen, other.images, own.images)))
            stage.mix = replace(stage.mix, stores=tuple(stores))
        for update in stage.updates():
            optimizer = torch.optim.SGD(update.module.parameters(), 0.1)
            for step in range(2):
                optimizer.zero_grad()
                update.loss(stage.batch(step))[0].backward()
                optimizer.step()
        return [stage.fields, *of_folds(stage.module)]

    def same(a, b):
        pairs = zip(a.state_dict().values(), b.state_dict().values(), strict=True)
        return all(torch.equal(x, y) for x, y in pairs)

    plain = trained(None)
    for fold in (0, 1):
        alike = [same(a, b) for a, b in zip(plain, trained(fold), strict=True)]
        assert alike == [False, fold == 0, fold == 1]


TRAIN = TrainConfig(steps=3, validate_every=2, monitor="eps", monitor_mode="min", threads=1)


@pytest.fixture(scope="module")
def cross(data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("cross-run")
    stage = FieldsStage(CONFIG, TWO, data, 0)
    result = run_stage(stage, TRAIN, folder, progress=False)
    return stage, result


def test_the_systems_own_fields_are_those_of_a_run_without_folds(data, cross, tmp_path):
    stage, result = cross
    one = FieldsStage(CONFIG, TWO.model_copy(update={"folds": 1}), data, 0)
    alone = run_stage(one, TRAIN, tmp_path, progress=False)
    for name, value in one.fields.state_dict().items():
        assert torch.equal(value, stage.fields.state_dict()[name]), name
    assert {k: result.best_metrics[k] for k in alone.best_metrics} == alone.best_metrics
    assert {"eps/fold1", "eps/fold2"} <= set(result.best_metrics)
    taken = take_fields(result.folder, CONFIG.fields, 1)
    assert torch.equal(taken.nets[0].conv_in.weight, one.fields.nets[0].conv_in.weight)
    again = take_fields(result.folder, CONFIG.fields, 2)
    fresh = CrossFields(copy.deepcopy(stage.fields), 2)
    load_best(result.folder, fresh)
    for name, value in fresh.state_dict().items():
        assert torch.equal(value, again.state_dict()[name]), name
    with pytest.raises(TrainingError, match="or of other than 3 folds"):
        take_fields(result.folder, CONFIG.fields, 3)
    with pytest.raises(TrainingError, match="or of other than 2 folds"):
        take_fields(tmp_path, CONFIG.fields, 2)


def test_noise_is_that_of_fields_that_never_saw_the_person(data, mix, folds, cross):
    module = cross[0].module
    faces = cached_faces(module, CONFIG, data, views=0.7, seed=0)
    fields, met = of_folds(module), set()
    for k in range(len(faces.train.paths)):
        shard = faces.train.shard(k)
        expected = [int(folds.fold[s][i]) for s, i in picks(mix, k)]
        assert shard["fold"].tolist() == expected
        met |= set(expected)
        for row, fold in enumerate(expected):
            one = shard["faces"][row : row + 1]
            own = bridged_faces(fields[fold], CONFIG, one).noise[0]
            other = bridged_faces(fields[1 - fold], CONFIG, one).noise[0]
            assert (shard["noise"][row] - own).abs().max() < 2e-3
            assert (shard["noise"][row] - other).abs().max() > 1e-2
    assert met == {0, 1}
    dev = faces.dev["nuaa"].shard(0)
    direct = bridged_faces(module.everyone, CONFIG, dev["faces"]).noise
    torch.testing.assert_close(dev["noise"], direct, rtol=2e-3, atol=2e-3)


def test_the_key_names_the_folds_and_development_noise_is_shared(data, cross, monkeypatch):
    module = cross[0].module
    first = cached_faces(module, CONFIG, data, views=0.1, seed=0)
    plain = cached_faces(module.everyone, CONFIG, data, views=0.1, seed=0)
    assert plain.dev["nuaa"].paths == first.dev["nuaa"].paths
    assert not set(plain.train.paths) & set(first.train.paths)
    asked = Counter()
    bridge_once = cached.bridged_faces

    def counted(fields, config, faces):
        asked["calls"] += 1
        return bridge_once(fields, config, faces)

    monkeypatch.setattr(cached, "bridged_faces", counted)
    assert cached_faces(module, CONFIG, data, views=0.1, seed=0).key == first.key
    assert not asked, "a second detector bridges nothing"
    moved = copy.deepcopy(module)
    with torch.no_grad():
        moved.folds[1].nets[0].conv_in.bias[0] += 1e-3
    other = cached_faces(moved, CONFIG, data, views=0.1, seed=0)
    assert other.key != first.key and other.dev["nuaa"].paths == first.dev["nuaa"].paths
    shards = [other.train.shard(k)["fold"].tolist() for k in range(len(other.train.paths))]
    assert asked["calls"] == sum(len(set(dealt)) for dealt in shards)


def test_people_dealt_otherwise_are_refused(data, cross):
    module = cross[0].module
    other = data.model_copy(update={"sources": data.sources[:2]})  # without LFW and simulations
    with pytest.raises(TrainingError, match=r"dealt otherwise.*recipe\.fields\.folds to 1"):
        cached_faces(module, CONFIG, other, views=0.1, seed=0)


def test_folds_that_leave_nothing_are_named(data, mix):
    alone = [s.model_copy(update={"limit": 4}) for s in data.sources[:2]]  # still both people
    only = data.model_copy(update={"sources": tuple(alone)})
    made = training_mix(only, 32, 0)
    assert deal_folds(only, made, 2, 0).count == 2
    one = replace(made, stores=tuple(replace(s, live=s.live & False) for s in made.stores))
    with pytest.raises(ConfigError, match=r"folds is 2: without .* fold 1 no live picture is left"):
        deal_folds(only, one, 2, 0)


def test_species_left_out_are_refused(data, mix):
    simulated = data.sources[3].model_copy(update={"without": ("print",)})
    other = data.model_copy(update={"sources": (*data.sources[:3], simulated)})
    with pytest.raises(ConfigError, match=r"sources\.3\.without is \['print'\].*folds to 1"):
        deal_folds(other, mix, 2, 0)


def test_a_batch_without_their_live_faces_teaches_nothing():
    net = torch.nn.Linear(2, 1)
    batch = {"fold": torch.tensor([0, 0, 1]), "named": torch.tensor([True, True, False]),
             "live": torch.tensor([True, False, True])}  # fmt: skip
    loss, logs = fold_loss(lambda b: 1 / 0, net, batch, 0)
    loss.backward()
    assert float(loss.detach()) == 0 and logs == {} and not net.weight.grad.any()
    seen = []
    fold_loss(lambda b: (seen.append(b["live"].tolist()), {}), net, batch, 1)
    assert seen == [[True, False]], "the unnamed one is left out"


def test_runs_from_before_there_were_folds_stay_valid():
    assert "folds" not in FieldsRecipe().decisive()
    assert FieldsRecipe().decisive() | {"folds": 1, "begin": None} == FieldsRecipe().plain()
    assert FieldsRecipe(folds=3).decisive()["folds"] == 3


def test_a_cross_fitted_experiment_trains_and_its_fields_can_be_taken(made_up_root, tmp_path):
    path = write_experiment(RECORD, made_up_root, tmp_path, steps=2)
    few = ["data.dev=[nuaa]", "recipe.fields.dev_faces=4", "recipe.fields.folds=2"]
    first = train_experiment(read_experiment(path, few), progress=False)
    assert [result.folder.name for result in first] == ["fields", "detector"]
    assert all(r.skipped for r in train_experiment(read_experiment(path, few), progress=False))
    few += [f"recipe.fields.trained={tmp_path / 'run' / 'fields'}", f"output={tmp_path / 'two'}"]
    train_experiment(read_experiment(path, few), progress=False)
    assert len(list((tmp_path / "cache" / "residuals").glob("*/train-*"))) == 1, "one cache"
    from despoof.systems.saving import load_system

    name, system = load_system(tmp_path / "two" / "weights")
    assert name == RECORD.name and not isinstance(system.fields, CrossFields)


def test_helping_threads_change_no_batch(data):
    from despoof.systems.despoofing_diffusion.ahead import Ahead

    alone, helped = (FieldsStage(CONFIG, TWO, data, 0) for _ in range(2))
    helped._ahead = Ahead(helped._batch, 3)
    for step in (0, 1, 2, 7, 8):
        one, two = alone.batch(step), helped.batch(step)
        assert one.keys() == two.keys()
        assert all(torch.equal(one[name], two[name]) for name in one)
