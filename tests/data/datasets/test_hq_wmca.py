"""HQ-WMCA: recordings' names, and protocol files."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

from data.datasets.checks import check_manifest, check_protocols_need, plant, sizes, the_problem
from despoof.core.errors import DataError
from despoof.data.datasets.hq_wmca import DATASET, NAMES, SPECIES, _clip, index

SUBSETS = ("train", "dev", "eval")


def stem(client, kind, number=0):
    return f"1_0{number % 3 + 1}_{client:04d}_0000_{kind}_00_{number:03d}-{client:08x}"


def complete(root, suffix="h5"):
    """Six clients, two a part, each with two live recordings and one attack of every kind."""
    rows = []
    for client in range(6):
        kinds = ["00", *sorted(SPECIES)]
        for number, kind in enumerate(kinds):
            rows.append((f"2019.01.0{client + 1}/{stem(client, kind, number)}", client // 2))
    plant(root, [f"{name}.{suffix}" for name, _ in rows])
    for name in NAMES:
        lines = ["video_name,label,type,subset"]
        for video, part in rows:
            kind = video.split("_")[4]
            loo = name.startswith("loo-") and part == 2
            if loo and kind not in ("00", "01"):
                continue
            lines.append(f"{video},{int(kind != '00')},x,{SUBSETS[part]}")
        called = name.replace("grand-test", "grand_test").replace("loo-", "LOO_")
        (root / f"PROTOCOL-{called}.csv").write_text("\n".join(lines) + "\n")
    return root


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return complete(tmp_path_factory.mktemp("sets") / "hq")


def test_protocol_files_divide(root, tmp_path):
    found = index(root)
    assert found.problems == () and len(found.clips) == 6 * 12
    table = {name: DATASET.protocols[name].divide(found.clips) for name in NAMES}
    assert sizes(table["grand-test"]) == "4/20 4/20 4/20"
    assert sizes(table["loo-glasses"]) == "4/20 4/20 4/2"
    assert {clip.split for clip in found.clips} == {"train", "dev", "test"}
    check_manifest("hq-wmca", found.clips, tmp_path / "m.csv")
    check_protocols_need("hq-wmca", found.clips)


def test_colour_videos_made_of_it_are_taken(tmp_path):
    found = index(complete(tmp_path / "mov", "mov"))
    assert found.problems == () and found.clips[0].split == "train"


@given(
    some.integers(0, 9999),
    some.sampled_from(sorted(SPECIES)),
    some.integers(0, 99),
    some.integers(0, 999),
)
def test_names_parse_back(client, kind, subtype, pai):
    name = f"d/1_02_{client:04d}_0007_{kind}_{subtype:02d}_{pai:03d}-fad05fcd.h5"
    clip = _clip(Path("copy"), name)
    assert clip.subject == f"{client:04d}" and clip.session == "02"
    assert clip.species == SPECIES[kind] and clip.live == (kind == "00")
    assert clip.extra["pai"] == f"{pai:03d}" and clip.extra["presenter"] == "0007"
    assert _clip(Path("copy"), name.replace(f"_0007_{kind}", "_0007_11")) is None


def test_trouble_is_counted_with_an_example(tmp_path):
    root = plant(tmp_path, [f"{stem(1, '00')}.h5", "strange.hdf5"])
    text = f"video_name,subset\n{stem(1, '00')},train\nday/{stem(2, '03')},eval\n"
    (root / "PROTOCOL-grand_test.csv").write_text(text)
    (root / "PROTOCOL-new.csv").write_text(text)
    found = index(root)
    assert the_problem(found, "naming").example == "strange.hdf5"
    assert the_problem(found, "recordings that are missing").example == stem(2, "03")
    assert the_problem(found, "unknown names").example == "PROTOCOL-new.csv"
    assert the_problem(found, "protocol files that are missing").count == len(NAMES) - 1
    with pytest.raises(DataError, match=r"no clips of HQ-WMCA \(with PROTOCOL-impersonation"):
        DATASET.protocols["impersonation"].divide(found.clips)


@pytest.mark.parametrize("text", ["a,b\n1,2\n", "video_name,subset\nx,no\n", "video_name\n\udcff"])
def test_a_malformed_protocol_file_is_named(tmp_path, text):
    root = plant(tmp_path, [f"{stem(1, '00')}.h5"])
    (root / "PROTOCOL-grand_test.csv").write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(DataError, match=r"grand_test\.csv is no protocol file"):
        index(root)


def test_a_folder_without_recordings_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"follows the dataset's naming, e\.g\. a\.h5"):
        index(plant(tmp_path, ["a.h5"]))
    with pytest.raises(DataError, match="There is no folder"):
        index(tmp_path / "nowhere")
