"""Records (frozen dataclasses) as JSON and back: strict, with the place of what does not fit.

What a record's annotations say is what its file holds: records, tuples, dicts with string keys, StrEnums, literals,
optional values and plain scalars. A field with a default may be missing, and is left out of the file while it has it.
"""

import dataclasses
import reprlib
import types
import typing
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any, Literal, TypeVar

Record = TypeVar("Record")


class UnfitRecord(ValueError):
    """This JSON is no such record; the message names the place: "metrics.heads.tumour.n is missing"."""


def from_json(kind: type[Record], data: object) -> Record:
    """The record of this dataclass that `data`, as json.loads gives it, holds. Raises UnfitRecord."""
    return typing.cast(Record, _read(kind, data, ""))


def to_json(record: Any) -> Any:
    """What json.dumps writes of a record, or of tuples and dicts of records; `from_json` reads it."""
    if dataclasses.is_dataclass(record) and not isinstance(record, type):
        return {
            one.name: to_json(value)
            for one in dataclasses.fields(record)
            if (value := getattr(record, one.name)) != _default(one)
        }
    if isinstance(record, Mapping):
        return {str(key): to_json(value) for key, value in record.items()}
    if isinstance(record, tuple | list):
        return [to_json(value) for value in record]
    return record


def _default(one: dataclasses.Field[Any]) -> object:
    if one.default_factory is not dataclasses.MISSING:
        return one.default_factory()
    return one.default


def _read(kind: Any, data: object, place: str) -> object:
    """`data` as a value of the annotation `kind`."""
    origin = typing.get_origin(kind)
    if origin in (types.UnionType, typing.Union):
        return None if data is None else _read(_present(kind), data, place)
    if origin is Literal:
        return _one_of(typing.get_args(kind), data, place)
    if origin is tuple:
        items = _checked(list, data, place)
        return tuple(_read(typing.get_args(kind)[0], value, f"{place}[{index}]") for index, value in enumerate(items))
    if origin is dict:
        key_kind, value_kind = typing.get_args(kind)
        entries = _checked(dict, data, place)
        return {
            _read(key_kind, key, place): _read(value_kind, value, _inside(place, key)) for key, value in entries.items()
        }
    if dataclasses.is_dataclass(kind):
        return _read_record(kind, _checked(dict, data, place), place)
    if issubclass(kind, StrEnum):
        return kind(_one_of(tuple(kind), data, place))
    return _checked(kind, data, place)


def _present(kind: Any) -> Any:
    """`X` of `X | None`."""
    return next(one for one in typing.get_args(kind) if one is not types.NoneType)


def _read_record(kind: Any, data: dict[str, object], place: str) -> object:
    hints, fields = typing.get_type_hints(kind), dataclasses.fields(kind)
    if unknown := sorted(set(data) - {one.name for one in fields}):
        raise UnfitRecord(f"{_inside(place, unknown[0])} is not known")
    for one in fields:
        if one.name not in data and _default(one) is dataclasses.MISSING:
            raise UnfitRecord(f"{_inside(place, one.name)} is missing")
    values = {name: _read(hints[name], value, _inside(place, name)) for name, value in data.items()}
    return kind(**values)


def _one_of(words: Iterable[str], data: object, place: str) -> Any:
    if data not in tuple(words):
        raise UnfitRecord(f"{place} is {reprlib.repr(data)}, which is not known")
    return data


def _checked(kind: Any, data: object, place: str) -> Any:
    """`data` if it is of this plain type; a whole number counts as a float, but true and false as no number."""
    accepted = (int, float) if kind is float else kind
    if isinstance(data, accepted) and (kind is bool or not isinstance(data, bool)):
        return data
    raise UnfitRecord(f"{place or 'it'} is no {kind.__name__}")


def _inside(place: str, name: str) -> str:
    return f"{place}.{name}" if place else str(name)
