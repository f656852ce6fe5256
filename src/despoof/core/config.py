"""Strict configuration: one pydantic base, YAML in, `a.b=value` overrides, resolved YAML out.

An unknown key is an error that names the nearest valid one, so a misspelt hyper-parameter can
never pass silently.
"""

import difflib
import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Self, Union, cast, get_args, get_origin

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from despoof.core.errors import ConfigError


class StrictConfig(BaseModel):
    """Base of every configuration: frozen, no unknown keys, defaults are checked too."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, validate_default=True, ser_json_inf_nan="constants"
    )

    @classmethod
    def parse(cls, values: Mapping[str, Any], origin: str = "the configuration") -> Self:
        """Build the configuration from plain values.

        Args:
            values: nested mappings of plain values, as YAML or JSON give them.
            origin: what to call the source in an error message, e.g. the file's name.

        Raises:
            ConfigError: a key is unknown (the nearest valid one is named) or a value is not
                allowed.
        """
        try:
            return cls.model_validate(dict(values))
        except ValidationError as error:
            raise ConfigError(_explain(cls, error, origin)) from error

    def plain(self) -> dict[str, Any]:
        """Return nested plain values that `parse` turns into an equal configuration."""
        return self.model_dump(mode="json")

    def digest(self) -> str:
        """Return 16 hex digits that change when any value changes."""
        text = json.dumps(self.plain(), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def read_yaml(path: str | Path) -> dict[str, Any]:
    """Read a YAML file that holds one mapping.

    Raises:
        ConfigError: the file is missing, is not YAML, or does not hold a mapping.
    """
    path = Path(path)
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ConfigError(f"No configuration file at {path}. Check the path.") from error
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f"{path} is not readable YAML: {error}.") from error
    if not isinstance(values, dict):
        raise ConfigError(
            f"{path} holds {type(values).__name__}, expected a mapping of keys to values."
        )
    return cast("dict[str, Any]", values)


def write_yaml(path: str | Path, values: Mapping[str, Any]) -> None:
    """Write nested plain values as YAML, keys in the given order."""
    Path(path).write_text(yaml.safe_dump(dict(values), sort_keys=False), encoding="utf-8")


def override(values: Mapping[str, Any], settings: Sequence[str]) -> dict[str, Any]:
    """Return a copy of `values` with each `a.b.c=value` of `settings` applied.

    The right-hand side is read as YAML, so `lr=1e-4`, `names=[a, b]` and `on=true` work. Whether
    the key exists is decided by `StrictConfig.parse` afterwards.

    >>> override({"train": {"steps": 10}}, ["train.steps=20", "seed=1"])
    {'train': {'steps': 20}, 'seed': 1}

    Raises:
        ConfigError: a setting has no `=`, or walks through something that is not a mapping.
    """
    result = cast("dict[str, Any]", json.loads(json.dumps(dict(values))))
    for setting in settings:
        key, equals, text = setting.partition("=")
        if not equals or not key:
            raise ConfigError(f"--set {setting!r} is not key=value. Write e.g. train.steps=500.")
        node = result
        *path, last = key.split(".")
        for part in path:
            child = node.setdefault(part, {})
            if not isinstance(child, dict):
                raise ConfigError(
                    f"--set {setting!r}: {part!r} is a value, not a group; it has no keys below it."
                )
            node = cast("dict[str, Any]", child)
        try:
            node[last] = yaml.safe_load(text)
        except yaml.YAMLError as error:
            raise ConfigError(f"--set {setting!r}: the value is not YAML: {error}.") from error
    return result


def _explain(cls: type[BaseModel], error: ValidationError, origin: str) -> str:
    lines: list[str] = []
    for item in error.errors():
        location = item["loc"]
        key = ".".join(map(str, location))
        if item["type"] == "extra_forbidden":
            valid = _keys_at(cls, location[:-1])
            near = difflib.get_close_matches(str(location[-1]), valid, n=1, cutoff=0.4)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            lines.append(f"unknown key {key!r}.{hint} Valid keys here: {', '.join(valid)}.")
        else:
            lines.append(f"{key or 'value'}: {item['msg']} (got {item.get('input')!r}).")
    return f"{origin}: " + " ".join(lines)


def _keys_at(cls: type[BaseModel], location: Sequence[int | str]) -> list[str]:
    """Name the keys of the configuration at a location, through lists, mappings and unions."""
    nodes: list[Any] = [cls]
    for part in location:
        below = [inner for node in nodes for inner in _below(node, part)]
        # pydantic names the member of a union that it tried: that leads no deeper.
        named = [node for node in nodes if getattr(node, "__name__", None) == part]
        nodes = below or named or nodes
    return sorted({key for node in nodes for key in getattr(node, "model_fields", {})})


def _below(annotation: Any, part: int | str) -> list[Any]:  # noqa: ANN401 - any annotation
    """Return the annotations one step below another: at a key, or at a position of a sequence."""
    fields = getattr(annotation, "model_fields", {})
    if part in fields:
        return _members(fields[part].annotation)
    origin, inner = get_origin(annotation), get_args(annotation)
    if not isinstance(origin, type) or not inner:
        return []
    if isinstance(part, str):
        return _members(inner[-1]) if issubclass(origin, Mapping) else []
    if not issubclass(origin, Sequence):
        return []
    return _members(inner[part if part < len(inner) and inner[-1] is not ... else 0])


def _members(annotation: Any) -> list[Any]:  # noqa: ANN401 - any annotation
    """Return what an annotation may stand for: the members of a union, else itself."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return _members(get_args(annotation)[0])
    if origin in (Union, UnionType):
        return [member for one in get_args(annotation) for member in _members(one)]
    return [annotation]
