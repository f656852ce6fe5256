import numpy as np
import pytest

from despoof.detector import BridgedParts
from despoof.diffusion.bridge import BridgeConfig
from despoof.evaluation.latent_panel import bridge_legend, bridge_picture, latent_photo
from despoof.evaluation.pictures import evidence_picture
from evaluation.test_pictures import GAP, HEAD, SIDE, panel, parts


def bridged(latent=0.0, **more):
    return BridgedParts(
        **vars(parts(**more)),
        latent=np.full((64, 64, 3), latent, np.float32),
        t_max=1000.0,
        bridge=BridgeConfig(solver="heun", steps=12),
        nfe=48,
    )


def test_the_latent_is_the_fourth_picture_and_the_others_stay_as_they_were():
    part = bridged(latent=-3.0, noise=0.05, evidence=1.0)
    plain, made = evidence_picture(part), bridge_picture(part)
    wider = SIDE + GAP
    assert made.size == (plain.width + wider, plain.height)
    assert panel(made, 3) == (0, 0, 0) and panel(made, 4) == (252, 255, 164)
    before, after = np.asarray(plain), np.asarray(made)
    three = 3 * wider + GAP // 2
    np.testing.assert_array_equal(after[:, :three], before[:, :three])
    np.testing.assert_array_equal(after[HEAD - 1 :, three + wider :], before[HEAD - 1 :, three:])
    lines = [(GAP + k * wider + SIDE // 2, HEAD - 1) for k in range(5)]  # the panels' frames
    assert len({made.getpixel(line) for line in lines}) == 1


@pytest.mark.parametrize(
    ("value", "grey"),
    [(0, 128), (3, 255), (-3, 0), (9, 255), (1.5, 191), (np.nan, 128), (np.inf, 255), (-np.inf, 0)],
)
def test_three_deviations_are_black_and_white(value, grey):
    shown = latent_photo(bridged(latent=value))
    assert shown.dtype == np.uint8 and (shown == grey).all()


def test_the_legend_names_the_way_and_its_cost():
    part = bridged()
    part.latent[::2] = 2.0
    lines = bridge_legend(part)
    assert lines == (
        "grey = 0 · full scale ±3 · std 1.00",
        "heun 12 + 12 steps · 48 evaluations",
    )


def test_broken_numbers_are_drawn_too():
    with np.errstate(all="raise"):
        assert bridge_picture(bridged(latent=np.nan)).width == 5 * SIDE + 6 * GAP


def test_drawing_is_a_pure_function():
    part = bridged(latent=0.7)
    assert bridge_picture(part).tobytes() == bridge_picture(part).tobytes()
    assert (part.latent == np.float32(0.7)).all()
