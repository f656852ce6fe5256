import hashlib
import os
import stat
import sys

import pytest
import torch

from despoof.core import device, errors
from despoof.core.device import bf16_autocast, bf16_is_quick, pick_device, seed_of, usable_cores
from despoof.core.extras import need
from despoof.core.files import atomic_path, sha256


def test_every_error_is_a_despoof_error_and_what_python_callers_expect():
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    assert len(kinds) > 5 and all(issubclass(kind, errors.DespoofError) for kind in kinds)
    assert issubclass(errors.InputError, ValueError)
    assert issubclass(errors.MissingExtraError, ImportError)


@pytest.mark.parametrize("quick", [True, False])
def test_networks_run_in_bf16_only_where_it_is_wanted_and_quick(monkeypatch, quick):
    monkeypatch.setattr(device, "bf16_is_quick", lambda kind: quick)
    one = torch.eye(2)
    for wanted in (True, False):
        with bf16_autocast("cpu", wanted):
            assert ((one @ one).dtype == torch.bfloat16) is (wanted and quick)


@pytest.mark.parametrize(
    ("has", "quick"),
    [
        ({"avx2": True, "avx512_bf16": False, "amx_bf16": False}, False),
        ({"avx512_bf16": True}, True),
        ({"amx_bf16": True, "avx512_bf16": False}, True),
        ({"cpu_name": "bf16", "bf16_cores": 2}, False),
    ],
)
def test_a_processor_is_asked_whether_it_computes_in_bf16(monkeypatch, has, quick):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: has)
    assert bf16_is_quick("cpu") is quick
    assert bf16_is_quick("cuda")


def test_a_file_is_replaced_whole(tmp_path):
    path = tmp_path / "a.json"
    path.write_text("old")
    with atomic_path(path) as temporary:
        temporary.write_text("new")
        assert temporary.suffix == ".json" and temporary.parent == tmp_path
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]
    umask = os.umask(0)
    os.umask(umask)
    assert stat.S_IMODE(path.stat().st_mode) == 0o666 & ~umask


def test_a_failed_write_leaves_the_old_file_and_no_rubbish(tmp_path):
    path = tmp_path / "a.json"
    path.write_text("old")
    with pytest.raises(KeyError), atomic_path(path) as temporary:
        temporary.write_text("half")
        raise KeyError
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]


def test_sha256_is_that_of_the_bytes(tmp_path):
    (tmp_path / "a").write_bytes(b"abc" * 100_000)
    assert sha256(tmp_path / "a") == hashlib.sha256(b"abc" * 100_000).hexdigest()


def test_an_extra_that_is_there_is_imported():
    assert need("json", "train") is sys.modules["json"]


def test_a_missing_extra_is_named():
    with pytest.raises(errors.MissingExtraError, match=r"pip install 'despoof\[train\]'") as caught:
        need("no_such_package.part", "train")
    assert caught.value.name == "no_such_package.part"


def test_a_broken_package_raises_its_own_error(tmp_path, monkeypatch):
    (tmp_path / "broken_package.py").write_text("import what_it_needs")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="what_it_needs") as caught:
        need("broken_package", "train")
    assert not isinstance(caught.value, errors.MissingExtraError)


def test_seeds_are_the_same_on_every_machine():
    assert seed_of(0, "train", 5) == 1407403046639208496
    assert len({seed_of("a", i) for i in range(1000)} | {seed_of("b", 0), seed_of("a")}) == 1002
    assert seed_of(1, "2") == seed_of("1", 2)


@pytest.mark.parametrize(
    ("cuda", "mps", "expected"),
    [(False, False, "cpu"), (False, True, "mps"), (True, True, "cuda")],
)
def test_auto_takes_the_fastest_device(cuda, mps, expected, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
    assert pick_device().type == expected


@pytest.mark.parametrize("name", ["cuda:77", "toaster"])
def test_a_device_that_is_not_there_is_an_error(name):
    with pytest.raises(errors.InputError, match=f"Device '{name}' is not available here. Use auto"):
        pick_device(name)


def test_the_cpu_is_always_there():
    assert pick_device("cpu") == torch.device("cpu")


def test_cores_are_counted_with_and_without_affinity(monkeypatch):
    assert usable_cores() >= 1
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    assert usable_cores() == os.cpu_count()


def test_importing_the_words_does_not_import_torch():
    import subprocess

    program = (
        "import sys, despoof.core.types, despoof.core.config, despoof.core.device\n"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
