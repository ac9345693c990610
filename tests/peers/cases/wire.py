"""The envelope: content types, request ids, the shape of an error, malformed requests."""

from case import case


@case(
    "an answer is AWS JSON 1.1 with a request id",
    {"status": 200, "type": "application/x-amz-json-1.1", "id": True},
    "model metadata; API reference",
)
def _(pool):
    answer = pool.call("ListUsers", Limit=1)
    return {
        "status": answer.status,
        "type": answer.headers.get("content-type"),
        "id": "x-amzn-requestid" in answer.headers,
    }


@case(
    "an error has a type, a message, the error header and a request id",
    {
        "status": 400,
        "members": ["__type", "message"],
        "type": "UserNotFoundException",
        "header": "UserNotFoundException",
        "content type": "application/x-amz-json-1.1",
        "id": True,
    },
    "API reference, common to all operations",
)
def _(pool):
    answer = pool.call("AdminGetUser", Username="nobody")
    return {
        "status": answer.status,
        "members": sorted(answer.json),
        "type": answer.json["__type"],
        # The value may go on after a colon.
        "header": answer.headers.get("x-amzn-errortype", "").split(":")[0],
        "content type": answer.headers.get("content-type"),
        "id": "x-amzn-requestid" in answer.headers,
    }


@case(
    "an operation that does not exist is refused",
    "400 UnknownOperationException",
    "AWS JSON protocol, common errors",
)
def _(pool):
    return pool.call("ListUnicorns").outcome


@case(
    "a body that is no JSON is refused",
    "400 SerializationException",
    "AWS JSON protocol, common errors",
)
def _(pool):
    return pool.signer.call("ListUsers", b"{").outcome


@case(
    "a member of the wrong type is refused",
    "400 SerializationException",
    "AWS JSON protocol, common errors",
)
def _(pool):
    return pool.call("ListUsers", Limit="many").outcome


@case(
    "a missing required member is refused",
    "400 InvalidParameterException",
    "model: UserPoolId is required",
)
def _(pool):
    return pool.signer.call("ListUsers", {}).outcome
