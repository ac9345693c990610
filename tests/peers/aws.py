"""Clients of an AWS-shaped endpoint on loopback, and requests signed by hand.

boto3 does what any other program would do. The raw requests exist for what boto3
hides: headers, bodies byte for byte, and requests that are wrong on purpose.
"""

import datetime
import http.client
import json
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import boto3
import botocore.auth
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials

REGION = "us-east-1"
TARGET_PREFIX = "AWSCognitoIdentityProviderService"
# A peer that does not answer in this time hangs; no answer of theirs takes a second.
TIMEOUT_SECONDS = 60


def client(service, endpoint, key, secret):
    """A boto3 client that asks once and hides no failure behind a retry.

    Parameters are not validated here, so that the peer is the one who judges them.
    """
    config = Config(
        retries={"total_max_attempts": 1, "mode": "standard"},
        parameter_validation=False,
        max_pool_connections=16,
        read_timeout=TIMEOUT_SECONDS,
    )
    return boto3.client(
        service,
        endpoint_url=endpoint,
        region_name=REGION,
        aws_access_key_id=key,
        aws_secret_access_key=secret,
        config=config,
    )


@dataclass
class Answer:
    """An HTTP answer, and what a JSON client makes of it."""

    status: int
    headers: dict
    body: bytes
    json: object = field(init=False)

    def __post_init__(self):
        try:
            self.json = json.loads(self.body)
        except ValueError:
            self.json = None

    @property
    def code(self):
        """The error code as AWS clients read it: body first, then the header."""
        found = self.json.get("__type") if isinstance(self.json, dict) else None
        found = found or self.headers.get("x-amzn-errortype")
        return found.split(":")[0].split("#")[-1] if found else None

    @property
    def message(self):
        """The message, which the front end spells with a capital letter."""
        found = self.json if isinstance(self.json, dict) else {}
        return found.get("message") or found.get("Message") or ""

    @property
    def outcome(self):
        """The word ok, or the status and the code of the refusal."""
        return "ok" if self.status == 200 else f"{self.status} {self.code}"


@dataclass(frozen=True)
class Signer:
    """Whose signature goes onto a raw request, and what is wrong with it."""

    endpoint: str
    key: str
    secret: str
    token: str | None = None
    region: str = REGION
    service: str = "cognito-idp"
    clock_offset: datetime.timedelta = datetime.timedelta()

    def call(self, operation, body, *, unsigned=False, sent_body=None, sent_operation=None):
        """Signs a call and sends it; `sent_…` replaces a part after signing."""
        payload = body if isinstance(body, bytes) else json.dumps(body).encode()
        request = AWSRequest(
            method="POST",
            url=self.endpoint + "/",
            data=payload,
            headers={
                "Content-Type": "application/x-amz-json-1.1",
                "X-Amz-Target": f"{TARGET_PREFIX}.{operation}",
            },
        )
        if not unsigned:
            self._sign(request)
        headers = dict(request.headers.items())
        if sent_operation:
            headers["X-Amz-Target"] = f"{TARGET_PREFIX}.{sent_operation}"
        if sent_body is not None:
            payload = json.dumps(sent_body).encode()
        address = urlsplit(self.endpoint)
        connection = http.client.HTTPConnection(
            address.hostname, address.port, timeout=TIMEOUT_SECONDS
        )
        try:
            connection.request("POST", "/", body=payload, headers=headers)
            answer = connection.getresponse()
            body = answer.read()
            return Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, body)
        finally:
            connection.close()

    def _sign(self, request):
        # botocore takes the time from a function of its module; there is no parameter.
        real = botocore.auth.get_current_datetime
        botocore.auth.get_current_datetime = lambda *args, **kwargs: (
            real(*args, **kwargs) + self.clock_offset
        )
        try:
            credentials = Credentials(self.key, self.secret, self.token)
            SigV4Auth(credentials, self.service, self.region).add_auth(request)
        finally:
            botocore.auth.get_current_datetime = real
