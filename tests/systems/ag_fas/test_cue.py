import pytest
import torch

from despoof.core.errors import InputError
from despoof.systems.ag_fas.cue import anomalous_cue, mirrored_pairs


def pictures(n, seed):
    return torch.rand(n, 3, 8, 8, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def test_the_cue_is_signed_and_standardised_by_picture():
    faces, made = pictures(3, 0), pictures(3, 1)
    cue = anomalous_cue(faces, made)
    for i in range(3):
        residual = (faces[i] - made[i]).double().numpy()
        expected = (residual - residual.mean()) / residual.std(ddof=1)
        torch.testing.assert_close(cue[i].double().numpy(), expected, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(anomalous_cue(made, faces), -cue)


def test_neither_offset_nor_size_of_the_residual_count():
    faces, made = pictures(2, 0) * 0.2, pictures(2, 1) * 0.2
    louder = faces - 3 * (faces - made) - 0.1
    torch.testing.assert_close(
        anomalous_cue(faces, louder), anomalous_cue(faces, made), rtol=1e-4, atol=1e-4
    )


def test_no_difference_is_no_cue():
    faces = pictures(2, 0)
    assert not anomalous_cue(faces, faces).any()


def test_another_shape_is_refused():
    with pytest.raises(InputError, match=r"\(2, 3, 8, 8\).*\(1, 3, 8, 8\)"):
        anomalous_cue(pictures(2, 0), pictures(1, 0))


def test_pairs_are_mirrored_together():
    faces, made = pictures(2, 0), pictures(2, 1)
    chosen = torch.tensor([True, False])
    seen, noise = mirrored_pairs(faces, faces - made, chosen)
    assert torch.equal(seen[0], faces[0].flip(-1)) and torch.equal(seen[1], faces[1])
    assert torch.equal(noise[0], (faces - made)[0].flip(-1))
    assert torch.equal(noise[1], (faces - made)[1])


def test_the_published_flip_bug_is_reproduced():
    """All four draws of the two coins, as two transforms by themselves would do."""
    faces, made = pictures(4, 0), pictures(4, 1)
    of_face = torch.tensor([False, False, True, True])
    of_made = torch.tensor([False, True, False, True])
    seen, noise = mirrored_pairs(faces, faces - made, of_face, of_face ^ of_made)
    for i in range(4):
        face = faces[i].flip(-1) if of_face[i] else faces[i]
        other = made[i].flip(-1) if of_made[i] else made[i]
        assert torch.equal(seen[i], face)
        torch.testing.assert_close(noise[i], face - other, rtol=0, atol=1e-6)
    perfect = mirrored_pairs(faces, torch.zeros_like(faces), of_face, of_face ^ of_made)[1]
    size = perfect.abs().mean(dim=(1, 2, 3))
    assert (size[[1, 2]] > 0.3).all() and not size[[0, 3]].any(), "half of the cues show a mirror"
