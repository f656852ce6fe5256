from typing import Annotated, Literal

import pytest
from pydantic import Field

from despoof.core.config import StrictConfig, override, read_yaml, write_yaml
from despoof.core.errors import ConfigError, DespoofError


class Inner(StrictConfig):
    width: int = Field(default=8, ge=1)
    depth: int = 2


class Outer(StrictConfig):
    name: str = "x"
    inner: Inner = Inner()
    sizes: tuple[int, ...] = (1, 2)


class Other(StrictConfig):
    colour: str = "red"


class Nested(StrictConfig):
    many: tuple[Inner, ...] = ()
    two: tuple[Inner, Other] = (Inner(), Other())
    listed: list[Annotated[Inner, "noted"]] = Field(default_factory=list[Inner])
    maybe: Inner | None = None
    named: Literal["small", "large"] | Inner = "small"
    either: Inner | list[Other] = Inner()
    table: dict[str, Inner] = Field(default_factory=dict[str, Inner])


def test_plain_values_round_trip_through_yaml(tmp_path):
    config = Outer(name="y", inner=Inner(width=3), sizes=(4,))
    write_yaml(tmp_path / "c.yaml", config.plain())
    assert Outer.parse(read_yaml(tmp_path / "c.yaml")) == config
    assert (tmp_path / "c.yaml").read_text().startswith("name:"), "keys keep their order"


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            {"nmae": 1},
            r"file\.yaml: unknown key 'nmae'. Did you mean 'name'\? Valid keys here: inner",
        ),
        ({"inner": {"widht": 1}}, r"'inner\.widht'. Did you mean 'width'\? .*: depth, width\."),
        ({"zzzzzz": 1}, r"unknown key 'zzzzzz'. Valid keys"),
        ({"inner": {"width": 0}}, r"inner\.width: .*greater than or equal to 1 \(got 0\)"),
        ({"inner": 3}, r"inner: .*\(got 3\)"),
    ],
)
def test_a_bad_value_is_named_with_the_nearest_key(values, message):
    with pytest.raises(ConfigError, match=message) as caught:
        Outer.parse(values, origin="file.yaml")
    assert isinstance(caught.value, DespoofError) and isinstance(caught.value, ValueError)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            {"many": [{}, {"widht": 1}]},
            r"'many\.1\.widht'\. Did you mean 'width'\?.* depth, width",
        ),
        ({"two": [{}, {"color": 1}]}, r"'two\.1\.color'\. Did you mean 'colour'\?.*here: colour\."),
        ({"two": [{"widht": 1}, {}]}, r"'two\.0\.widht'\. Did you mean 'width'\?.* depth, width"),
        ({"listed": [{"widht": 1}]}, r"'listed\.0\.widht'\. Did you mean 'width'"),
        ({"maybe": {"widht": 1}}, r"'maybe\.widht'\. Did you mean 'width'\?.*here: depth, width"),
        ({"named": {"widht": 1}}, r"widht'\. Did you mean 'width'\? Valid keys.*: depth, width"),
        (
            {"either": {"widht": 1}},
            r"widht'\. Did you mean 'width'\? Valid keys.*: depth, width",
        ),
        ({"either": [{"color": 1}]}, r"color'\. Did you mean 'colour'\? Valid keys.*: colour\."),
        ({"table": {"a": {"widht": 1}}}, r"'table\.a\.widht'\. Did you mean 'width'"),
    ],
)
def test_the_nearest_key_is_named_inside_lists_and_unions(values, message):
    with pytest.raises(ConfigError, match=message):
        Nested.parse(values)


def test_the_digest_changes_with_any_value_and_with_nothing_else():
    assert Outer().digest() == Outer(name="x").digest()
    digests = {c.digest() for c in (Outer(), Outer(name="y"), Outer(inner=Inner(depth=3)))}
    assert len(digests) == 3 and all(len(digest) == 16 for digest in digests)


def test_a_configuration_cannot_be_changed():
    with pytest.raises(ValueError, match="frozen"):
        Outer().name = "y"


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ([], {"a": {"b": 1}}),
        (["a.b=2"], {"a": {"b": 2}}),
        (["a.c=1e-4", "a.c=0.5"], {"a": {"b": 1, "c": 0.5}}),
        (["x.y.z=[p, q]", "on=true"], {"a": {"b": 1}, "x": {"y": {"z": ["p", "q"]}}, "on": True}),
        (["text=a=b"], {"a": {"b": 1}, "text": "a=b"}),
        (["empty="], {"a": {"b": 1}, "empty": None}),
    ],
)
def test_settings_override_values_in_order(settings, expected):
    values = {"a": {"b": 1}}
    assert override(values, settings) == expected
    assert values == {"a": {"b": 1}}, "the original is left alone"


@pytest.mark.parametrize(
    ("setting", "message"),
    [("a.b", "is not key=value"), ("=3", "is not key=value"), ("a.b.c=1", "'b' is a value, not")],
)
def test_a_setting_that_cannot_be_applied_is_an_error(setting, message):
    with pytest.raises(ConfigError, match=message):
        override({"a": {"b": 1}}, [setting])


def test_files_that_are_no_mapping_are_errors(tmp_path):
    path = tmp_path / "c.yaml"
    with pytest.raises(ConfigError, match="No configuration file at"):
        read_yaml(path)
    for content, message in (
        (b"- 1", "holds list"),
        (b"a: [", "not readable"),
        (b"\xff", "not rea"),
    ):
        path.write_bytes(content)
        with pytest.raises(ConfigError, match=message):
            read_yaml(path)
