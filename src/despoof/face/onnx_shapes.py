"""Free an ONNX file's declared shapes, by editing its bytes.

CenterFace is fully convolutional, but its file declares ten pictures of 32x32, and onnxruntime
insists on what is declared. The onnx package could change that, but it is large and nothing else
needs it at run time; the few protobuf messages on the way are simple enough to rewrite here.
Field numbers: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto.
"""

from collections.abc import Iterator

from despoof.core.errors import WeightsError

_GRAPH = 7  # of ModelProto
_INITIALIZER, _INPUT, _OUTPUT = 5, 11, 12  # of GraphProto
_TENSOR_NAME, _VALUE_NAME, _VALUE_TYPE = 8, 1, 2  # of TensorProto, of ValueInfoProto
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5  # wire types


def free_shapes(model: bytes) -> bytes:
    """Return the model with graph inputs and outputs of any shape.

    Weights that the file also lists as inputs (as old exporters did) are listed no longer, so that
    onnxruntime may fold them into the convolutions.

    Args:
        model: a serialised ONNX ModelProto.

    Raises:
        WeightsError: the bytes are not such a message.
    """
    try:
        fields = list(_fields(memoryview(model)))
        if not any(number == _GRAPH for number, _, _ in fields):
            raise WeightsError("The ONNX file holds no graph. Install or download it again.")
        return b"".join(
            _message(number, _free_graph(value)) if number == _GRAPH else bytes(whole)
            for number, value, whole in fields
        )
    except (IndexError, StopIteration) as error:
        raise WeightsError(
            f"The ONNX file of {len(model)} bytes is cut short or no ONNX at all. "
            "Install or download it again."
        ) from error


def _free_graph(graph: memoryview) -> bytes:
    weights = {
        _name(value, _TENSOR_NAME) for number, value, _ in _fields(graph) if number == _INITIALIZER
    }
    parts: list[bytes] = []
    for number, value, whole in _fields(graph):
        if number == _INPUT and _name(value, _VALUE_NAME) in weights:
            continue
        free = number in {_INPUT, _OUTPUT}
        parts.append(_message(number, _without_shape(value)) if free else bytes(whole))
    return b"".join(parts)


def _without_shape(value: memoryview) -> bytes:
    # ValueInfoProto.type (2) > TypeProto.tensor_type (1) > Tensor.shape (2) is left out.
    parts: list[bytes] = []
    for number, inner, whole in _fields(value):
        if number != _VALUE_TYPE:
            parts.append(bytes(whole))
            continue
        tensor = next(content for kind, content, _ in _fields(inner) if kind == 1)
        kept = b"".join(bytes(whole) for kind, _, whole in _fields(tensor) if kind != 2)
        parts.append(_message(_VALUE_TYPE, _message(1, kept)))
    return b"".join(parts)


def _name(message: memoryview, field: int) -> bytes:
    return next(bytes(value) for number, value, _ in _fields(message) if number == field)


def _fields(message: memoryview) -> Iterator[tuple[int, memoryview, memoryview]]:
    """Yield (field number, content, the field as it stands) of a protobuf message."""
    at = 0
    while at < len(message):
        start = at
        key, at = _varint(message, at)
        wire = key & 7
        length = {_VARINT: 0, _FIXED64: 8, _FIXED32: 4}.get(wire)
        if wire == _VARINT:
            _, end = _varint(message, at)
        elif wire == _BYTES:
            length, at = _varint(message, at)
            end = at + length
        elif length:
            end = at + length
        else:
            raise IndexError(f"wire type {wire}")
        if end > len(message):
            raise IndexError(f"a field ends at {end} of {len(message)}")
        yield key >> 3, message[at:end], message[start:end]
        at = end


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value, at


def _message(number: int, content: bytes) -> bytes:
    size, head = len(content), bytearray([number << 3 | _BYTES])
    while size > 127:
        head.append(size & 127 | 128)
        size >>= 7
    return bytes(head) + bytes([size]) + content
