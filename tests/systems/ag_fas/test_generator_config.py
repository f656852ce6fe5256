import pytest
from pydantic import ValidationError

from despoof.systems.ag_fas.generator_config import (
    AutoencoderConfig,
    GeneratorConfig,
    IdentityConfig,
    ReconstructConfig,
    UnetConfig,
)


def test_a_face_of_112_pixels_gives_49_tokens_of_the_published_width():
    config = IdentityConfig()
    assert config.widths == (64, 128, 256, 512)
    assert config.tokens == 49
    assert IdentityConfig(size=64, width=0.25).widths == (16, 32, 64, 128)
    assert IdentityConfig(size=64).tokens == 16


def test_the_side_of_a_face_must_fit_fold_autoencoder_and_unet():
    config = GeneratorConfig(
        autoencoder=AutoencoderConfig(widths=(16, 16, 32), fold=2),
        unet=UnetConfig(widths=(16, 32), attention=(False, True)),
    )
    assert config.autoencoder.downsampling == 2 * 4
    assert config.multiple == 2 * 4 * 2


@pytest.mark.parametrize(
    "make, words",
    [
        (lambda: UnetConfig(widths=(32, 48), attention=(True,)), "1 levels"),
        (lambda: UnetConfig(widths=(12, 24), attention=(True, True), heads=4), "multiples of 8"),
        (lambda: UnetConfig(widths=(8, 16), attention=(True, True), heads=16), "16 heads"),
        (lambda: AutoencoderConfig(widths=(12,)), "groups"),
        (lambda: GeneratorConfig(identity=IdentityConfig()), "128, but the identity's map has 512"),
        (lambda: IdentityConfig(size=100), "multiple of 16"),
        (lambda: ReconstructConfig(start=1000), "999"),
    ],
)
def test_what_cannot_be_built_is_refused_in_words(make, words):
    with pytest.raises(ValidationError, match=words):
        make()


def test_a_start_beyond_a_short_schedule_is_refused():
    values = GeneratorConfig().plain()
    values["schedule"]["length"] = 500
    with pytest.raises(ValidationError, match="801"):
        GeneratorConfig.model_validate(values)
