"""Checks a raw JSON answer against botocore's service model.

The model is AWS's own description of the API, shipped with botocore. A member that it
does not know, a null, a wrong JSON type and a value outside a modelled enum each become
one finding, so that a double cannot drift from the wire format unnoticed. Lengths and
patterns are left out: the model states them for requests, and real answers break them
(`phone_number_verified` is longer than the 20 characters of an attribute's name).
"""

import botocore.session

_MODEL = botocore.session.get_session().get_service_model("cognito-idp")
_SCALARS = {"string": str, "boolean": bool, "integer": int, "long": int}


def findings(operation, document):
    """What in the answer of an operation contradicts the model; empty if nothing does."""
    shape = _MODEL.operation_model(operation).output_shape
    if shape is None:
        return ["an answer where the model has none"] if document else []
    # One page repeats the same finding for each row.
    return sorted(set(_value(shape, document, shape.name)))


def _value(shape, value, path):
    if shape.type_name == "structure":
        yield from _structure(shape, value, path)
    elif shape.type_name == "list":
        if not isinstance(value, list):
            yield f"{path} is {_json_type(value)}, not a list"
            return
        for entry in value:
            yield from _value(shape.member, entry, path + "[]")
    elif shape.type_name == "map":
        if not isinstance(value, dict):
            yield f"{path} is {_json_type(value)}, not an object"
    elif shape.type_name == "timestamp":
        yield from _timestamp(value, path)
    else:
        yield from _scalar(shape, value, path)


def _structure(shape, value, path):
    if not isinstance(value, dict):
        yield f"{path} is {_json_type(value)}, not an object"
        return
    for name, entry in value.items():
        if name not in shape.members:
            yield f"{path}.{name} is not in the model"
        elif entry is None:
            yield f"{path}.{name} is null"
        else:
            yield from _value(shape.members[name], entry, f"{path}.{name}")
    for name in shape.required_members:
        if name not in value:
            yield f"{path}.{name} is missing"


def _timestamp(value, path):
    """Seconds since 1970; how fine the fraction is has its own case in the battery."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        yield f"{path} is {_json_type(value)}, not a number"


def _scalar(shape, value, path):
    wanted = _SCALARS.get(shape.type_name)
    if wanted is None:
        return
    if not isinstance(value, wanted) or (isinstance(value, bool) and wanted is not bool):
        yield f"{path} is {_json_type(value)}, not {shape.type_name}"
        return
    if shape.type_name == "string" and shape.enum and value not in shape.enum:
        yield f"{path} is not one of the modelled values"


def _json_type(value):
    return {
        type(None): "null",
        bool: "a boolean",
        dict: "an object",
        list: "a list",
        str: "a string",
    }.get(type(value), "a number")
