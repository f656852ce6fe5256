import pytest
import torch

from despoof.core.errors import InputError
from despoof.diffusion.group_norm import QuickGroupNorm
from despoof.systems.ag_fas.generator import Generator
from despoof.systems.ag_fas.generator_config import GeneratorConfig, ReconstructConfig

pytest.importorskip("diffusers")
TINY = GeneratorConfig.parse(
    {
        "identity": {"size": 32, "width": 0.0625, "embedding": 8},
        "autoencoder": {"widths": (8,), "norm_groups": 4, "latent": 2, "scale": 1.0},
        "unet": {
            "widths": (8, 16), "attention": (False, True), "heads": 2, "cross": 36,
            "norm_groups": 4,
        },
    }
)  # fmt: skip
QUICK = ReconstructConfig(solver="dpm-solver", steps=2, start=401)


def rand(*shape, seed=0):
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed)) * 2 - 1


@pytest.fixture(scope="module")
def generator():
    with torch.random.fork_rng():
        torch.manual_seed(1)
        return Generator(TINY).eval()


def changed(**values):
    return QUICK.model_copy(update=values)


def test_a_face_is_answered_alike_wherever_it_stands(generator):
    faces = rand(3, 3, 16, 16)
    together = generator.reconstruct(faces, QUICK)
    assert together.shape == faces.shape and together.dtype == torch.float32
    assert together.min() >= -1 and together.max() <= 1
    alone = torch.cat([generator.reconstruct(face[None], QUICK) for face in faces.flip(0)]).flip(0)
    assert torch.allclose(alone, together, atol=1e-5)


def test_torchs_own_chance_is_neither_used_nor_touched(generator):
    faces = rand(1, 3, 16, 16)
    torch.manual_seed(1)
    first = generator.reconstruct(faces, changed(posterior="sample"))
    state = torch.get_rng_state()
    torch.manual_seed(1)
    assert torch.equal(state, torch.get_rng_state())
    torch.manual_seed(2)
    assert torch.equal(generator.reconstruct(faces, changed(posterior="sample")), first)


@pytest.mark.usefixtures("emulated_bf16")
def test_each_choice_of_how_to_reconstruct_counts(generator):
    faces = rand(1, 3, 16, 16)
    plain = generator.reconstruct(faces, QUICK)
    for other in (
        {"seed": 1}, {"posterior": "sample"}, {"condition": False}, {"start": 801}, {"steps": 3},
        {"solver": "ddim", "grid_steps": 5}, {"precision": "bf16"},
    ):  # fmt: skip
        assert not torch.equal(generator.reconstruct(faces, changed(**other)), plain), other
    near = generator.reconstruct(faces, changed(precision="bf16"))
    assert torch.allclose(near, plain, atol=0.1)


def test_several_seeds_give_their_mean(generator):
    faces = rand(2, 3, 16, 16)
    one, two, three = (generator.reconstruct(faces, changed(seeds=k)) for k in (1, 2, 3))
    second, third = 2 * two - one, 3 * three - 2 * two
    for made in (second, third):
        assert made.abs().max() <= 1 + 1e-5, "each is a face"
        assert not torch.allclose(made, one, atol=1e-3), "of noise of its own"
    assert not torch.allclose(second, third, atol=1e-3)


def test_the_unet_is_called_as_often_as_the_walk_says(generator, monkeypatch):
    calls = []
    own = generator.eps
    monkeypatch.setattr(generator, "eps", lambda x, t, c: calls.append(float(t)) or own(x, t, c))
    generator.reconstruct(rand(1, 3, 16, 16), ReconstructConfig(seeds=2))
    assert len(calls) == 2 * 41
    assert calls[:2] == [802, 782] and calls[41:43] == [802, 782]


def test_tokens_are_the_identitys_map_or_zeros(generator):
    faces = rand(2, 3, 16, 16)
    tokens = generator.tokens(faces)
    assert tokens.shape == (2, 4, 36)
    wanted = generator.identity.map(faces).flatten(2).transpose(1, 2)
    assert torch.equal(tokens[:, :, :32], wanted) and not tokens[:, :, 32:].any()
    assert not generator.tokens(faces, condition=False).any()
    untold = Generator(TINY.model_copy(update={"condition": False}), generator.identity)
    assert not untold.tokens(faces).any()


def test_the_unet_listens_to_tokens_and_time(generator):
    latents, t = rand(2, 2, 8, 8), torch.tensor([300.0, 300.0])
    with torch.no_grad():
        first = generator.eps(latents, t, rand(2, 4, 36))
        assert first.shape == latents.shape
        assert not torch.allclose(first, generator.eps(latents, t, rand(2, 4, 36, seed=1)))
        assert not torch.allclose(first, generator.eps(latents, t + 200, rand(2, 4, 36)))
        wanted = generator.unet(latents, t - 1, encoder_hidden_states=rand(2, 4, 36)).sample
    assert torch.equal(first, wanted), "diffusers counts times from 0"


def test_the_control_is_the_autoencoder_alone(generator):
    faces = rand(2, 3, 16, 16)
    with torch.no_grad():
        vae = generator.autoencoder
        wanted = vae.decode_raw(vae.posterior(faces).mean).clamp(-1, 1)
    assert torch.allclose(generator.autoencoded(faces), wanted, atol=1e-6)


def test_only_the_unet_goes_into_training_mode():
    generator = Generator(TINY).train()
    assert generator.training and generator.unet.training
    frozen = (generator.identity, generator.autoencoder)
    assert not any(module.training for part in frozen for module in part.modules())
    assert not any(module.training for module in generator.eval().modules())


def test_norms_are_the_quick_ones_under_diffusers_names(generator):
    norms = [m for m in generator.modules() if isinstance(m, torch.nn.GroupNorm)]
    assert norms and all(isinstance(norm, QuickGroupNorm) for norm in norms)
    assert "unet.down_blocks.0.resnets.0.norm1.weight" in generator.state_dict()


def test_the_small_rung_is_small():
    with torch.device("meta"):
        generator = Generator()
    counts = [
        sum(p.numel() for p in part.parameters())
        for part in (generator.identity, generator.autoencoder, generator.unet)
    ]
    assert counts[0] < 1.6e6 and counts[1] <= 0.4e6 and counts[2] <= 1.3e6
    assert sum(counts) < 3.2e6, "0.8 million are left for the cue network"


@pytest.mark.parametrize("shape", [(2, 3, 18, 16), (2, 1, 16, 16), (3, 16, 16)])
def test_faces_that_do_not_fit_are_refused(generator, shape):
    with pytest.raises(InputError, match="multiples of 4"):
        generator.reconstruct(torch.zeros(shape), QUICK)
    with pytest.raises(InputError, match="multiples of 4"):
        generator.autoencoded(torch.zeros(shape))
