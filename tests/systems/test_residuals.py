import os
import signal
import subprocess
import sys
import time

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from despoof.core.errors import DataError
from despoof.systems.residuals import (
    Residuals,
    residual_key,
    weights_hash,
    write_residuals,
)


def make(number, n=4):
    generator = torch.Generator().manual_seed(number)
    faces = torch.rand(n, 3, 8, 8, generator=generator) * 2 - 1
    return {"faces": faces, "live": torch.arange(n) % 2 == 0, "source": torch.arange(n) + number}


def noise_of(shard):
    return 0.25 * shard["faces"].flip(-1) - 0.125


def silent(_done, _note):
    pass


def test_what_is_read_is_what_the_bridge_said_of_grey_levels(tmp_path):
    seen = []
    cache = write_residuals(tmp_path, 3, make, noise_of, lambda step, _: seen.append(step))
    assert seen == [1, 2, 3]
    for number in range(3):
        shard, asked = cache.shard(number), make(number)
        levels = (shard["faces"] + 1) * 127.5
        torch.testing.assert_close(levels, levels.round(), rtol=0, atol=1e-4)
        assert (shard["faces"] - asked["faces"]).abs().max() <= 0.5 / 127.5 + 1e-6
        assert torch.equal(shard["noise"], noise_of(shard).half().float())
        assert torch.equal(shard["live"], asked["live"])
        assert torch.equal(shard["source"], asked["source"])
    noise = torch.cat(list(cache.noise()))
    assert noise.dtype == torch.float16
    assert torch.equal(noise.float(), torch.cat([cache.shard(k)["noise"] for k in range(3)]))


@settings(deadline=None, max_examples=25)
@given(picks=st.lists(st.tuples(st.integers(0, 2), st.integers(0, 3)), min_size=1, max_size=6))
def test_rows_of_any_shards_make_a_batch(tmp_path_factory, picks):
    folder = tmp_path_factory.getbasetemp() / "shared-shards"
    cache = write_residuals(folder, 3, make, noise_of, silent)
    rows = cache.rows(picks)
    for place, (shard, row) in enumerate(picks):
        whole = cache.shard(shard)
        assert all(torch.equal(rows[name][place], whole[name][row]) for name in whole)


def test_only_what_is_missing_or_damaged_is_computed_again(tmp_path):
    asked = []

    def counted(shard):
        asked.append(len(shard["faces"]))
        return noise_of(shard)

    first = write_residuals(tmp_path, 4, make, counted, silent)
    before = [path.read_bytes() for path in first.paths]
    first.paths[1].unlink()
    first.paths[2].write_bytes(before[2][:50])
    asked.clear()
    second = write_residuals(tmp_path, 4, make, counted, silent)
    assert len(asked) == 2
    assert [path.read_bytes() for path in second.paths] == before
    more = write_residuals(tmp_path, 5, make, counted, silent)
    assert len(asked) == 3 and len(more.paths) == 5


ENDLESS = """
import sys, time, torch
from pathlib import Path
from despoof.systems.residuals import write_residuals
make = lambda k: {"faces": torch.full((2, 3, 64, 64), k / 1e4), "live": torch.ones(2).bool()}
def noise(shard):
    time.sleep(0.01)
    return shard["faces"] * 0.5
write_residuals(Path(sys.argv[1]), 100000, make, noise, lambda *_: None)
"""


def test_a_kill_leaves_only_whole_shards(tmp_path):
    process = subprocess.Popen([sys.executable, "-c", ENDLESS, str(tmp_path)])
    limit = time.monotonic() + 120
    while len(list(tmp_path.glob("[0-9]*.safetensors"))) < 3 and time.monotonic() < limit:
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    paths = tuple(sorted(tmp_path.glob("[0-9]*.safetensors")))
    assert len(paths) >= 3
    cache = Residuals(paths)
    for number in range(len(paths)):
        shard = cache.shard(number)
        assert torch.equal(shard["noise"], (shard["faces"] * 0.5).half().float())


def test_noise_that_is_not_finite_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"shard 0 of .* is not finite.*dpm-solver"):
        write_residuals(tmp_path, 1, make, lambda shard: shard["faces"] * torch.inf, silent)
    with pytest.raises(DataError, match="above 65504"):
        write_residuals(tmp_path, 1, make, lambda shard: shard["faces"] * 1e6, silent)
    assert not list(tmp_path.iterdir())


def test_a_shard_that_is_gone_is_named(tmp_path):
    cache = write_residuals(tmp_path, 1, make, noise_of, silent)
    cache.paths[0].write_bytes(b"no")
    with pytest.raises(DataError, match=r"00000\.safetensors is no shard"):
        cache.shard(0)


def test_the_key_follows_every_weight_and_every_setting():
    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4))
    key = residual_key(net, "a", 1, [2])
    assert key == residual_key(net, "a", 1, [2]) != residual_key(net, "a", 1, [3])
    before = weights_hash(net)
    with torch.no_grad():
        net[0].bias[2] += 1e-6
    assert weights_hash(net) != before
    moved = weights_hash(net)
    net[1].running_mean += 1
    assert weights_hash(net) != moved, "buffers decide, too"
