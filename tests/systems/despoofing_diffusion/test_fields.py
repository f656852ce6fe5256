import pytest
import torch

from despoof.core.errors import ConfigError, DataError, TrainingError
from despoof.data.views import DevSet
from despoof.diffusion.network import DomainNetwork, NetworkConfig, place_channels
from despoof.diffusion.noising import add_noise
from despoof.diffusion.schedule import NoiseSchedule
from despoof.systems.despoofing_diffusion.field_losses import (
    denoising_errors,
    live_loss,
    measure_fields,
    mixed_loss,
    share_mean,
    tied_loss,
)
from despoof.systems.despoofing_diffusion.fields import FieldsRecipe, FieldsStage, first_fields
from despoof.systems.despoofing_diffusion.system_config import DespoofingDiffusionConfig
from despoof.systems.despoofing_diffusion.tiles import cut_tiles
from despoof.systems.records import RECORDS
from despoof.training.folder import BEST
from despoof.training.tensors import write_tensors

pytest.importorskip("diffusers")
TINY = RECORDS["despoofing-diffusion"].tiny
SCHEDULE = NoiseSchedule()


def config(**fields):
    return DespoofingDiffusionConfig.parse(TINY | {"fields": TINY["fields"] | fields})


def rand(*shape, seed=0):
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def batch(n=6, side=8, seed=0):
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randn(n, 3, side, side, generator=generator)
    t = 1 + 999 * torch.rand(n, generator=generator)
    live = torch.arange(n) % 3 == 0
    return {"faces": rand(n, 3, side, side), "noise": noise, "t": t, "live": live,
            "noise_live": noise, "t_live": t}  # fmt: skip


class Knower(torch.nn.Module):
    """A network that knows the live faces' noise exactly where it is told `live`."""

    def __init__(self, faces):
        super().__init__()
        self.config, self.faces = NetworkConfig(), torch.nn.Parameter(faces)

    def forward(self, x, t, domain, place=None):
        alpha, sigma = SCHEDULE.at(t, x)
        if domain == "live":
            return (x - alpha * self.faces) / sigma
        return torch.zeros_like(x)


def test_the_mixture_is_weighed_by_brute_force():
    errors, live = torch.tensor([1.0, 2, 4, 8]), torch.tensor([True, False, False, False])
    assert share_mean(errors, live, 0.9) == pytest.approx(0.9 * 1 + 0.1 * 14 / 3)
    assert share_mean(errors, live, None) == pytest.approx(15 / 4)
    assert share_mean(errors, live, 0.25) == pytest.approx(15 / 4), "as the batch holds them"
    assert share_mean(errors, torch.ones(4, dtype=torch.bool), 0.4) == pytest.approx(0.4 * 15 / 4)


def test_tied_loss_is_both_domains_asked_apart():
    fields = first_fields(config(), FieldsRecipe(), 0)
    b = batch()
    loss, logs = tied_loss(fields, SCHEDULE, b, 0.7)
    both = mixed_loss(fields, SCHEDULE, b, 0.7)[0], live_loss(fields, SCHEDULE, b)[0]
    loss, both = loss.detach(), [float(part.detach()) for part in both]
    assert float(loss.detach()) == pytest.approx(sum(both), rel=1e-5)
    assert float(logs["all"]) == pytest.approx(both[0], rel=1e-5)
    assert float(logs["live"]) == pytest.approx(both[1], rel=1e-5)


def test_what_attacks_look_like_does_not_reach_the_live_field():
    fields = first_fields(config(domains="separate"), FieldsRecipe(), 0)
    b = batch()
    other = dict(b, faces=torch.where(b["live"].view(-1, 1, 1, 1), b["faces"], -b["faces"]))
    assert live_loss(fields, SCHEDULE, b)[0] == live_loss(fields, SCHEDULE, other)[0]
    assert mixed_loss(fields, SCHEDULE, b, 0.5)[0] != mixed_loss(fields, SCHEDULE, other, 0.5)[0]


@pytest.mark.parametrize("prediction", ["eps", "v"])
def test_the_target_is_the_noise_or_v(prediction):
    class Net(torch.nn.Module):
        config = NetworkConfig(prediction=prediction)

        def forward(self, x, t, domain, place=None):
            assert torch.allclose(x, add_noise(SCHEDULE, b["faces"], b["noise"], t))
            alpha, sigma = SCHEDULE.at(t, x)
            return b["noise"] if prediction == "eps" else alpha * b["noise"] - sigma * b["faces"]

    b = batch()
    errors = denoising_errors(
        Net(), SCHEDULE, faces=b["faces"], noise=b["noise"], t=b["t"], domain="all"
    )
    assert errors.shape == (6,) and torch.equal(errors, torch.zeros(6))


def test_fields_are_measured_on_the_same_noise_every_time():
    faces = rand(4, 3, 8, 8)
    live = torch.tensor([True, True, False, False])
    net = Knower(faces)
    found = measure_fields(net, SCHEDULE, [DevSet("a", faces, live)], times=3, live_share=0.5)
    assert set(found) == {"eps", "eps_all", "eps_live", "auc", "auc/a"}
    assert found["eps_live"] < 1e-6, "it knows them"
    assert found["eps_all"] == pytest.approx(1, abs=0.15), "0 misses unit noise by 1"
    assert found["eps"] == pytest.approx((found["eps_all"] + found["eps_live"]) / 2)
    again = measure_fields(net, SCHEDULE, [DevSet("a", faces, live)], times=3, live_share=0.5)
    assert found == again


def test_a_face_that_the_live_field_knows_better_scores_higher():
    faces = rand(6, 3, 8, 8)
    live = torch.arange(6) < 3
    known = torch.where(live.view(-1, 1, 1, 1), faces, -faces)  # of attacks it knows nothing
    found = measure_fields(Knower(known), SCHEDULE, [DevSet("a", faces, live)], times=4)
    assert found["auc"] == found["auc/a"] == 1


def test_separate_networks_start_alike_or_not():
    separate = config(domains="separate")
    for start, alike in (("shared", True), ("independent", False)):
        nets = first_fields(separate, FieldsRecipe(start=start), 5).nets
        pairs = zip(nets[0].parameters(), nets[1].parameters(), strict=True)
        assert all(torch.equal(a, b) for a, b in pairs if a.ndim == 4) is alike
    a, b = (first_fields(separate, FieldsRecipe(start="independent"), 5) for _ in range(2))
    assert all(torch.equal(x, y) for x, y in zip(a.parameters(), b.parameters(), strict=True))


def test_tiles_are_pieces_of_the_view_and_say_where():
    generator = torch.Generator().manual_seed(0)
    faces, whole = rand(5, 3, 16, 16), place_channels(16, 16)[0]
    tiles, place = cut_tiles(faces, 8, generator)
    assert tiles.shape == (5, 3, 8, 8) and place.shape == (5, 2, 8, 8)
    corners = set()
    for face, tile, where in zip(faces, tiles, place, strict=True):
        left, top = (round(float((where[i, 0, 0] + 1) * 8 - 0.5)) for i in (0, 1))
        corners.add((left, top))
        assert torch.equal(tile, face[:, top : top + 8, left : left + 8])
        assert torch.equal(where, whole[:, top : top + 8, left : left + 8])
    assert len(corners) > 1
    same, everywhere = cut_tiles(faces, 16, generator)
    assert torch.equal(same, faces) and torch.equal(everywhere[0], whole)


@pytest.fixture(scope="module")
def data(tmp_path_factory, made_up_root):
    from despoof.data.views import DataConfig
    from systems.test_every_system import data_config

    return DataConfig.parse(data_config(made_up_root, tmp_path_factory.mktemp("fields")))


def test_a_batch_holds_times_and_noise_and_independent_fields_get_their_own(data):
    shared = FieldsStage(config(), FieldsRecipe(), data, 0).batch(3)
    assert torch.equal(shared["t"], shared["t_live"])
    assert torch.equal(shared["noise"], shared["noise_live"])
    assert shared["t"].min() >= 1 and shared["t"].max() <= 1000
    strata = (shared["t"].sort().values - 1) / 999 * 8
    assert torch.equal(strata.floor(), torch.arange(8.0)), "one in each eighth of the schedule"
    apart = FieldsRecipe(start="independent")
    other = FieldsStage(config(domains="separate"), apart, data, 0).batch(3)
    assert torch.equal(other["faces"], shared["faces"])
    assert not torch.equal(other["t"], other["t_live"])
    assert not torch.equal(other["noise"], other["noise_live"])


@pytest.mark.parametrize(
    ("fields", "recipe", "names"),
    [
        ({}, {}, ["fields"]),
        ({"domains": "separate"}, {}, ["all", "live"]),
        ({"domains": "separate"}, {"start": "independent"}, ["all", "live"]),
        ({"coordinates": True}, {"tile": 16}, ["fields"]),
        ({"coordinates": True, "domains": "separate", "prediction": "v"}, {}, ["all", "live"]),
    ],
    ids=["tied", "shared", "paper", "tiles", "places and v"],
)
def test_every_mode_gives_losses_that_reach_all_its_weights(data, fields, recipe, names):
    stage = FieldsStage(config(**fields), FieldsRecipe.parse(recipe), data, 0)
    b = stage.batch(0)
    assert b["faces"].shape[-1] == recipe.get("tile", 32)
    updates = stage.updates()
    assert [update.name for update in updates] == names
    for update in updates:
        stage.module.zero_grad(set_to_none=True)
        loss, logs = update.loss(b)
        assert loss.isfinite() and set(logs) <= {"all", "live"}
        loss.backward()
        assert all(p.grad is not None for p in update.module.parameters())
    stage.module.eval()
    found = stage.validate(stage.module)
    assert {"eps", "eps_all", "eps_live", "auc", "auc/nuaa"} <= set(found)


def test_the_fingerprint_follows_what_decides_and_nothing_else(data):
    def of(changes=None, **recipe):
        made = DespoofingDiffusionConfig.parse(TINY | (changes or {}))
        return FieldsStage(made, FieldsRecipe.parse(recipe), data, 0).fingerprint()

    assert of() == of({"detector": {"inputs": "rgb"}}), "the detector comes later"
    assert of() == of({"bridge": {"steps": 7}}), "so does the bridge"
    assert len({of(), of(live_share=0.9), of({"schedule": {"kind": "cosine"}})}) == 3


@pytest.mark.parametrize(
    ("fields", "tile"), [({}, 16), ({"coordinates": True}, 15), ({"coordinates": True}, 64)]
)
def test_a_tile_that_does_not_fit_is_named(fields, tile, data):
    with pytest.raises(ConfigError, match=f"tile is {tile}; expected a multiple of 2"):
        FieldsStage(config(**fields), FieldsRecipe(tile=tile), data, 0)


def test_a_few_steps_teach_a_field_one_face():
    """The loss falls on noise that it has not seen: it learns the face, not the noise."""
    torch.manual_seed(0)
    fields = DomainNetwork(NetworkConfig.parse(TINY["fields"]))
    optimizer = torch.optim.Adam(fields.parameters(), 3e-3)
    losses = []
    for step in range(40):
        b = batch(8, seed=step)
        b["faces"] = b["faces"][:1].expand(8, -1, -1, -1)
        loss, _ = tied_loss(fields, SCHEDULE, b, 0.5)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert sum(losses[-5:]) < 0.5 * sum(losses[:5])


def test_without_attacks_each_face_is_asked_once_and_the_domains_take_turns():
    fields, b = first_fields(config(), FieldsRecipe(), 0), batch()
    b["live"] = torch.ones(6, dtype=torch.bool)
    rows = {name: b[name] for name in ("faces", "noise", "t")}
    domain = torch.tensor([0, 1] * 3)
    wanted = denoising_errors(fields, SCHEDULE, domain=domain, **rows).mean()
    loss, logs = tied_loss(fields, SCHEDULE, b, 0.5)
    torch.testing.assert_close(loss, wanted)
    assert set(logs) == {"live"}


def of_live_alone(data):
    kept = tuple(s for s in data.sources if s.label == "live" and s.simulate != "attack")
    return data.model_copy(update={"sources": kept})


def test_fields_may_begin_with_those_of_live_faces_alone(data, tmp_path):
    start = FieldsStage(config(), FieldsRecipe(), of_live_alone(data), 3)
    assert start.batch(0)["live"].all()
    write_tensors(tmp_path / BEST, start.module.state_dict(), {})
    first = FieldsStage(config(), FieldsRecipe(begin=str(tmp_path)), data, 0)
    for mine, theirs in zip(first.module.parameters(), start.module.parameters(), strict=True):
        assert torch.equal(mine, theirs)
    plain = FieldsStage(config(), FieldsRecipe(), data, 0)
    copied = tmp_path / "elsewhere"
    copied.mkdir()
    write_tensors(copied / BEST, start.module.state_dict(), {})
    again = FieldsStage(config(), FieldsRecipe(begin=str(copied)), data, 0)
    assert first.fingerprint() == again.fingerprint() != plain.fingerprint()


def test_a_beginning_that_does_not_fit_is_named(data, tmp_path):
    start = first_fields(config(widths=(16, 16)), FieldsRecipe(), 0)
    write_tensors(tmp_path / BEST, start.state_dict(), {})
    with pytest.raises(TrainingError, match="another network"):
        FieldsStage(config(), FieldsRecipe(begin=str(tmp_path)), data, 0)


def test_fields_need_live_faces(data):
    kept = tuple(source for source in data.sources if source.label == "attack")
    with pytest.raises(DataError, match="no live face"):
        FieldsStage(config(), FieldsRecipe(), data.model_copy(update={"sources": kept}), 0)
