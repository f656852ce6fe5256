import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from despoof.core.errors import ConfigError, InputError
from despoof.diffusion.noising import add_noise, clean_from, eps_from, training_target
from despoof.diffusion.schedule import NoiseSchedule

KINDS = ("linear", "cosine", "scaled-linear")
schedules = st.builds(
    NoiseSchedule,
    kind=st.sampled_from(KINDS),
    length=st.integers(2, 1200),
    beta_start=st.floats(1e-5, 1e-3),
    beta_end=st.floats(1e-3, 0.02),
)
shares = st.floats(0, 1)


@given(schedules, shares)
def test_the_powers_of_picture_and_noise_sum_to_one(schedule, share):
    t = share * schedule.length
    assert schedule.alpha(t) ** 2 + schedule.sigma(t) ** 2 == pytest.approx(1, abs=1e-14)


@given(schedules, st.floats(1e-6, 1))
def test_every_inverse_gives_the_time_back(schedule, share):
    t = share * schedule.length
    for way in ("log_snr", "noise_ratio", "alpha", "sigma"):
        value = getattr(schedule, way)(t)
        assert getattr(schedule, f"t_of_{way}")(value) == pytest.approx(t, rel=1e-6, abs=1e-7), way


@given(schedules)
def test_log_snr_falls_and_its_definition_holds(schedule):
    t = np.linspace(0.01, schedule.length, 300)
    snr = schedule.log_snr(t)
    assert np.all(np.diff(snr) < 0)
    np.testing.assert_allclose(schedule.noise_ratio(t), np.exp(-snr / 2), rtol=1e-12)
    np.testing.assert_allclose(
        snr, 2 * np.log(schedule.alpha(t) / schedule.sigma(t)), rtol=1e-6, atol=1e-6
    )


def test_integers_are_products_of_betas(schedule):
    kept = np.cumprod(1 - schedule.betas())
    np.testing.assert_allclose(schedule.alpha(np.arange(1, 1001)) ** 2, kept, rtol=1e-12)
    assert schedule.alpha(0) == 1 and schedule.sigma(0) == 0 and schedule.log_snr(0) == np.inf


@pytest.mark.parametrize(
    ("ask", "value"),
    [
        ("alpha", -0.1),
        ("alpha", 1000.5),
        ("sigma", np.nan),
        ("t_of_alpha", 1.1),
        ("t_of_alpha", 0.0),
        ("t_of_sigma", 1.0),
        ("t_of_sigma", -0.1),
        ("t_of_noise_ratio", 1e9),
        ("t_of_noise_ratio", -1.0),
        ("t_of_log_snr", np.nan),
        ("t_of_log_snr", -np.inf),
    ],
)
def test_what_is_never_reached_is_an_error(schedule, ask, value):
    with pytest.raises(InputError):
        getattr(schedule, ask)(value)


def test_bad_configuration():
    with pytest.raises(ConfigError, match="beta_start"):
        NoiseSchedule.parse({"beta_start": 0.5, "beta_end": 0.1})
    with pytest.raises(ConfigError, match="kind"):
        NoiseSchedule.parse({"kind": "sigmoid"})


def test_noising_and_both_predictions_agree(schedule, faces):
    noise = torch.randn(faces.shape, generator=torch.Generator().manual_seed(2))
    t = torch.tensor([1.0, 700.5])
    x = add_noise(schedule, faces, noise, t)
    alpha, sigma = schedule.alpha(700.5), schedule.sigma(700.5)
    torch.testing.assert_close(x[1], (alpha * faces[1] + sigma * noise[1]).float())
    for prediction in ("eps", "v"):
        said = training_target(schedule, faces, noise, t, prediction)
        eps = eps_from(schedule, said, x, t, prediction)
        torch.testing.assert_close(eps, noise, rtol=0, atol=1e-5)
        torch.testing.assert_close(clean_from(schedule, eps, x, t), faces, rtol=0, atol=1e-3)
    with pytest.raises(InputError):
        add_noise(schedule, faces, noise[:1], t)
