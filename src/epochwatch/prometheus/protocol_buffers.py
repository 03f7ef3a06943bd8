"""Message classes of protocols whose generated classes no package has."""

from collections.abc import Mapping
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory  # type: ignore[import-untyped]

_PACKAGE = "epochwatch"
_TYPES = descriptor_pb2.FieldDescriptorProto


def message_classes(name: str, messages: Mapping[str, Mapping[str, tuple[int, str]]]) -> dict[str, Any]:
    """Classes by message name. A field is (number, type): ``int32``, ``int64``, ``double``, ``string``, ``bytes`` or
    the name of a message; ``*`` before it for repeated fields.
    """
    file = descriptor_pb2.FileDescriptorProto(
        name=f"{_PACKAGE}/{name}.proto", package=f"{_PACKAGE}.{name}", syntax="proto3"
    )
    for message, fields in messages.items():
        added = file.message_type.add(name=message)
        for field, (number, given) in fields.items():
            repeated, kind = given.startswith("*"), given.removeprefix("*")
            one = added.field.add(name=field, number=number)
            one.label = _TYPES.LABEL_REPEATED if repeated else _TYPES.LABEL_OPTIONAL
            if kind in messages:
                one.type, one.type_name = _TYPES.TYPE_MESSAGE, f".{_PACKAGE}.{name}.{kind}"
            else:
                one.type = _TYPES.Type.Value(f"TYPE_{kind.upper()}")
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {
        message: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.{name}.{message}"))
        for message in messages
    }
