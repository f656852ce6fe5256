import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from despoof.core.errors import InputError
from despoof.systems.despoofing_diffusion.config import PAPER
from despoof.systems.despoofing_diffusion.noise_scale import noise_percentile, with_noise_scale

quick = settings(max_examples=60, deadline=None)
PERCENT = st.sampled_from([1.0, 50.0, 90.0, 99.0, 99.9, 100.0])


def draw(n, seed, scale=0.1):
    return scale * torch.randn(n, generator=torch.Generator().manual_seed(seed))


@quick
@given(st.lists(st.integers(1, 60), min_size=1, max_size=5), PERCENT, st.integers(0, 1000))
def test_it_is_numpys_percentile_of_the_magnitudes(sizes, percent, seed):
    batches = [draw(n, seed + i).half() for i, n in enumerate(sizes)]
    values = torch.cat(batches).abs().numpy()
    expected = np.percentile(values, percent, method="inverted_cdf")
    assert noise_percentile(batches, percent) == float(expected)


@quick
@given(st.integers(1, 500), st.sampled_from([1e-3, 0.1, 3.0, 100.0]), st.integers(0, 1000))
def test_single_precision_moves_it_by_a_rounding(n, scale, seed):
    values = draw(n, seed, scale)
    exact = float(np.percentile(values.abs().numpy(), 99, method="inverted_cdf"))
    assert noise_percentile([values]) == pytest.approx(exact, rel=2**-11, abs=2**-24)


@quick
@given(st.integers(2, 60), st.integers(1, 5), st.integers(0, 1000))
def test_batches_and_signs_do_not_matter(n, parts, seed):
    values = draw(n, seed)
    shuffled = values[torch.randperm(n, generator=torch.Generator().manual_seed(seed))]
    assert noise_percentile(shuffled.chunk(parts)) == noise_percentile([-values])
    assert noise_percentile([values.reshape(1, 1, 1, n)]) == noise_percentile([values])


def test_99_percent_of_a_hundred_is_the_99th():
    values = torch.arange(1, 101).float()
    assert noise_percentile([values], 99.0) == 99
    assert noise_percentile([values], 100.0) == 100
    assert noise_percentile([values], 0.5) == 1


@pytest.mark.parametrize(
    ("batches", "percent", "message"),
    [
        ([], 99, "no noise to measure"),
        ([torch.zeros(0)], 99, "no noise to measure"),
        ([torch.tensor([1.0, torch.nan])], 99, "NaN"),
        ([torch.tensor([1.0, torch.inf])], 99, "NaN, Inf"),
        ([torch.tensor([1.0, 1e5])], 99, "above 65504"),
        ([torch.zeros(100)], 99, r"99 % of the noise is 0"),
        ([torch.ones(1)], 0, r"percent is 0"),
        ([torch.ones(1)], 101, r"percent is 101"),
    ],
)
def test_noise_that_has_no_scale_is_refused(batches, percent, message):
    with pytest.raises(InputError, match=message):
        noise_percentile(batches, percent)


def test_it_goes_into_the_configuration_and_back_from_its_plain_values():
    values = draw(1000, 0)
    found = with_noise_scale(PAPER, [values])
    assert found.noise_scale == noise_percentile([values], 99)
    assert type(PAPER).parse(found.plain()) == found
    assert found.model_copy(update={"noise_scale": None}) == PAPER
    median = PAPER.model_copy(update={"noise_percentile": 50.0})
    assert with_noise_scale(median, [values]).noise_scale == noise_percentile([values], 50)
