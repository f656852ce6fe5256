import numpy as np
import pytest
from PIL import Image

from despoof.core.errors import DataError
from despoof.data.real_pairs import find_pairs, load_pair, read_pairs, real_pairs, write_pairs
from despoof.data.samples import find_data_root, read_samples
from despoof.recapture.match_statistics import pair_statistics
from despoof.recapture.plane import warp_plane

SUBJECT = "1508"  # of the dev split; three of the attacks are found
HEAD = "path,dataset,split,subject,session,place,glasses,label,species,size,box,landmarks"


@pytest.fixture(scope="module")
def root(tmp_path_factory, portrait):
    """Two people, one of whose portraits was photographed again, darker and turned."""
    import cv2
    from skimage import data

    folder = tmp_path_factory.mktemp("data")
    crops = folder / "celeba-spoof" / "crops"
    crops.mkdir(parents=True)
    face = cv2.resize(portrait[:300, 100:400], (224, 224), interpolation=cv2.INTER_AREA)
    cat = cv2.resize(data.chelsea()[:300, 100:400], (224, 224), interpolation=cv2.INTER_AREA)
    turn = np.array([[1.05, 0.06, 3.0], [-0.06, 0.98, 6.0], [1e-4, 0, 1]])
    seen = np.rint(30 + 0.6 * warp_plane(face, turn, (224, 224))[0]).astype(np.uint8)
    pictures = {"face": face, "seen": seen, "cat": cat, "other": np.ascontiguousarray(cat[::-1])}
    rows = [HEAD]
    for name, picture in pictures.items():
        Image.fromarray(picture).save(crops / f"{name}.png")
        label, subject = ("attack", "a") if name == "seen" else ("live", "a")
        if name == "other":
            label, subject = "attack", "b"
        path = f"celeba-spoof/crops/{name}.png"
        rows.append(f"{path},celeba-spoof,dev,{subject},,,,{label},{label},224,,")
    (folder / "celeba-spoof.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return folder


def test_the_pair_is_found_and_nothing_else(root, tmp_path):
    cache = tmp_path / "cache" / "pairs.json"
    pairs = real_pairs(root, cache)
    assert [(p.live, p.attack, p.subject, p.split) for p in pairs] == [
        ("celeba-spoof/crops/face.png", "celeba-spoof/crops/seen.png", "a", "dev")
    ]
    genuine, attack, inside = load_pair(root, pairs[0])
    assert genuine.shape == attack.shape == (224, 224, 3)
    found = pair_statistics(genuine, attack, inside)
    assert found.lift > 0.005
    assert found.slope < 0.7  # the light was left as it is


def test_a_list_is_read_back_exactly(root, tmp_path):
    pairs = list(find_pairs(read_samples(root, "celeba-spoof")))
    cache = tmp_path / "pairs.json"
    write_pairs(pairs, cache)
    for a, b in zip(read_pairs(cache), pairs, strict=True):
        assert (a.live, a.attack) == (b.live, b.attack)
        assert np.array_equal(a.registration.matrix, b.registration.matrix)
        assert a.registration.agreement == b.registration.agreement


@pytest.mark.parametrize("text", ["", "{}", '{"version": "old", "pairs": []}', "[1]"])
def test_what_is_no_list_is_refused(tmp_path, text):
    path = tmp_path / "pairs.json"
    path.write_text(text)
    with pytest.raises(DataError, match="Delete it"):
        read_pairs(path)


def test_a_real_pair_is_found_in_the_development_data():
    try:
        root = find_data_root()
    except DataError:
        pytest.skip("no development data here: set DESPOOF_DATA")
    samples = [s for s in read_samples(root, "celeba-spoof") if s.subject == SUBJECT]
    assert len(list(find_pairs(samples))) >= 3
