"""Crossing the bridge in another way, and what is shown of it."""

from dataclasses import replace

import numpy as np
import pytest
import torch

import despoof
from despoof.core.errors import ConfigError, InputError
from despoof.detector import BridgedParts
from despoof.diffusion.bridge import BridgeConfig
from despoof.systems.saving import load_system
from detector.bridged_weights import write_bridged

FACE = (170.0, 60.0, 280.0, 190.0)  # of the portrait
BOXES = [FACE, (10.0, 20.0, 110.0, 130.0), (300.0, 300.0, 420.0, 430.0)]


def load(folder, **options):
    return despoof.load(folder, quality=None, face_detector=lambda image: [], **options)


def test_the_parts_hold_the_latent_of_their_own_face(bridged_weights, portrait):
    made = replace(load(bridged_weights), batch_size=2)
    parts = made.decompose(portrait, boxes=BOXES)
    system = load_system(bridged_weights)[1]
    for part in parts:
        assert isinstance(part, BridgedParts)
        face = torch.from_numpy(part.crop.image).permute(2, 0, 1)[None].float() / 127.5 - 1
        truth = system.bridged(face)
        latent = truth.latent[0][0].permute(1, 2, 0).numpy()
        np.testing.assert_allclose(part.latent, latent, atol=1e-4)
        assert part.latent.dtype == np.float32 and part.latent.shape == part.noise.shape
        assert (part.t_max, part.bridge, part.nfe) == (200.0, system.config.bridge, truth.nfe)


def test_a_system_without_a_bridge_gives_plain_parts(weights, portrait):
    made = load(weights)
    assert made.bridge is None
    assert not isinstance(made.decompose(portrait, boxes=[FACE])[0], BridgedParts)


@pytest.mark.parametrize(
    ("solver", "steps", "nfe"),
    [("ddim", 3, 6), ("heun", 3, 12), ("dpm-solver", 5, 10), ("o-belm", 5, 9)],
)
def test_solver_and_steps_are_what_is_integrated(bridged_weights, portrait, solver, steps, nfe):
    made = load(bridged_weights, solver=solver, steps=steps)
    (part,) = made.decompose(portrait, boxes=[FACE])
    assert (made.bridge.solver, made.bridge.steps, part.nfe) == (solver, steps, nfe)
    assert made.bridge.t_max == 200.0  # what was not asked for stays
    own = load_system(bridged_weights)[1].with_bridge(
        BridgeConfig(solver=solver, steps=steps, t_max=200.0)
    )
    face = torch.from_numpy(part.crop.image).permute(2, 0, 1)[None].float() / 127.5 - 1
    np.testing.assert_allclose(
        part.noise, own.decompose(face).noise[0].permute(1, 2, 0).numpy(), atol=1e-4
    )


def test_a_recorded_threshold_does_not_hold_for_another_way(bridged_weights, portrait):
    for other in ({"steps": 3}, {"solver": "ddim"}, {"autocast": True}):
        made = load(bridged_weights, **other)
        (verdict,) = made.check(portrait, boxes=[FACE])
        assert made.threshold is None and verdict.label == "undecided"
        assert verdict.score is not None and "another solver, steps or precision" in verdict.reason
        assert load(bridged_weights, threshold=-99.0, **other).threshold == -99.0
    same = load(bridged_weights, solver="dpm-solver", steps=2, autocast=False)
    assert same.threshold == 0.0
    assert same.check(portrait, boxes=[FACE])[0].label in ("live", "spoof")


def test_weights_that_had_no_threshold_are_not_said_to_have_had_one(tmp_path, portrait):
    pytest.importorskip("diffusers")
    made = load(write_bridged(tmp_path / "w", threshold=None), steps=3)
    assert "have no threshold" in made.check(portrait, boxes=[FACE])[0].reason


@pytest.mark.usefixtures("emulated_bf16")
def test_autocast_moves_the_noise_a_little_and_can_be_left(bridged_weights, tmp_path, portrait):
    single, half = load(bridged_weights), load(bridged_weights, autocast=True)
    assert (single.system.config.precision, half.system.config.precision) == ("fp32", "bf16")
    one, other = (made.decompose(portrait, boxes=[FACE])[0].noise for made in (single, half))
    error = np.linalg.norm(one - other) / np.linalg.norm(one)
    assert 0 < error < 0.1
    trained_so = write_bridged(tmp_path / "w", precision="bf16")
    assert load(trained_so).system.config.precision == "bf16"  # as the weights say
    left = load(trained_so, autocast=False)
    np.testing.assert_array_equal(left.decompose(portrait, boxes=[FACE])[0].noise, one)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"solver": "euler"}, ConfigError, "'ddim', 'heun'.*got 'euler'"),
        ({"steps": 0}, ConfigError, "steps"),
        ({"solver": "o-belm", "steps": 1}, ConfigError, "over two intervals, steps is 1; take 2"),
    ],
)
def test_an_impossible_way_is_refused_before_the_first_face(
    bridged_weights, options, error, message
):
    with pytest.raises(error, match=message):
        load(bridged_weights, **options)


@pytest.mark.parametrize("option", [{"solver": "heun"}, {"steps": 5}, {"autocast": True}])
def test_a_system_without_a_bridge_takes_no_solver(weights, option):
    with pytest.raises(InputError, match=r"these weights have none.*despoofing-diffusion"):
        load(weights, **option)


def test_steps_are_told_for_each_call_of_the_network(bridged_weights, portrait):
    told = []
    made = replace(
        load(bridged_weights, solver="heun", steps=3, threshold=0.0),
        batch_size=2,
        progress=lambda *at: told.append(at),
    )
    way = [(step, 6) for step in range(7)]
    made.check(portrait, boxes=BOXES)
    assert told == way * 2
    told.clear()
    made.decompose(portrait, boxes=BOXES[:2])
    assert told == way
