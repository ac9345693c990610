"""Who is let in: signatures, clocks, session tokens and policies."""

import datetime

from case import case


def read(pool, **wrong):
    """The answer to a read whose signature differs in what the arguments name."""
    return pool.signed(**wrong).call("ListUsers", {"UserPoolId": pool.id, "Limit": 1})


def skewed(pool, minutes):
    """The answer to a request whose clock is off."""
    return read(pool, clock_offset=datetime.timedelta(minutes=minutes))


@case(
    "an unsigned request is refused",
    "400 MissingAuthenticationTokenException",
    "SigV4 documentation, common errors",
)
def _(pool):
    return pool.signer.call("ListUsers", {"UserPoolId": pool.id}, unsigned=True).outcome


@case(
    "a wrong secret is refused",
    "400 InvalidSignatureException",
    "SigV4 documentation, common errors",
)
def _(pool):
    return read(pool, secret="not-the-secret").outcome


@case(
    "an unknown access key is refused",
    "400 UnrecognizedClientException",
    "SigV4 documentation, common errors",
)
def _(pool):
    return read(pool, key="AKIAIOSFODNN7UNKNOWN").outcome


@case(
    "a session token that was never issued is refused",
    "400 UnrecognizedClientException",
    "common errors: the security token is invalid",
)
def _(pool):
    return read(pool, token="never-issued").outcome


@case(
    "temporary credentials need their own token",
    {
        "with": "ok",
        "without": "400 UnrecognizedClientException",
        "wrong": "400 UnrecognizedClientException",
    },
    "STS documentation; common errors",
)
def _(pool):
    session = pool.session
    tokens = {"with": session["token"], "without": None, "wrong": "never-issued"}
    return {
        name: read(pool, key=session["id"], secret=session["secret"], token=token).outcome
        for name, token in tokens.items()
    }


@case(
    "a body changed after signing is refused",
    "400 InvalidSignatureException",
    "SigV4: the payload hash is signed",
)
def _(pool):
    return pool.signer.call(
        "ListUsers", {"UserPoolId": pool.id}, sent_body={"UserPoolId": pool.id, "Limit": 1}
    ).outcome


@case(
    "an operation changed after signing is refused",
    "400 InvalidSignatureException",
    "SigV4: x-amz-target is a signed header",
)
def _(pool):
    return pool.signer.call(
        "ListUsers", {"UserPoolId": pool.id}, sent_operation="ListGroups"
    ).outcome


@case(
    "a signature for another region is refused",
    "400 InvalidSignatureException",
    "SigV4: credential scope",
)
def _(pool):
    return read(pool, region="eu-west-1").outcome


@case(
    "a signature for another service is refused",
    "400 InvalidSignatureException",
    "SigV4: credential scope",
)
def _(pool):
    return read(pool, service="s3").outcome


@case(
    "a clock may be off by four minutes and not by six",
    {
        "-6": "400 InvalidSignatureException",
        "-4": "ok",
        "4": "ok",
        "6": "400 InvalidSignatureException",
    },
    "SigV4: requests are valid for five minutes",
)
def _(pool):
    return {str(minutes): skewed(pool, minutes).outcome for minutes in (-6, -4, 4, 6)}


@case(
    "the message of a stale signature speaks of expiry",
    "Signature expired",
    "botocore and SDK issue threads: Signature expired: … is now earlier than …",
)
def _(pool):
    return skewed(pool, -6).message.split(":")[0]


@case(
    "a key without the right is denied and the right is named",
    {"status": "400 or 403", "code": "AccessDeniedException", "named": True},
    "IAM; aws-sdk-js #1843; the status is not documented",
)
def _(pool):
    answer = pool.denied.call("ListGroups", {"UserPoolId": pool.id})
    status = "400 or 403" if answer.status in (400, 403) else answer.status
    return {
        "status": status,
        "code": answer.code,
        "named": b"cognito-idp:ListGroups" in answer.body,
    }
