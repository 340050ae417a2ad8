"""What a bucket answers, as a sentence that says what to mend. The SDK is not imported for that."""

from collections.abc import Iterator
from contextlib import contextmanager

SDK = {"boto3", "botocore", "s3transfer"}
MISSING = {"404", "NoSuchKey"}
KEYS = "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
BY_CODE = {
    "NoSuchBucket": "there is no such bucket: make it, or mend its name",
    "InvalidAccessKeyId": f"the access key is unknown there: {KEYS}",
    "SignatureDoesNotMatch": f"the secret key is wrong: {KEYS}",
    "AccessDenied": "the keys may not do this: give them s3:PutObject, s3:GetObject, s3:DeleteObject and s3:ListBucket",
    "403": "the keys may not do this, or are wrong: give them s3:GetObject and s3:ListBucket",
    "404": "there is no such bucket or file",
    "301": "the bucket is in another region: add ?region=NAME to its address",
    "PermanentRedirect": "the bucket is in another region: add ?region=NAME to its address",
    "AuthorizationHeaderMalformed": "the bucket is in another region: add ?region=NAME to its address",
    "RequestTimeTooSkewed": "the clock of this machine is wrong: set it by NTP",
    "SlowDown": "the bucket asks to be called less often: try again later",
}
BY_NAME = {
    "NoCredentialsError": f"there are no keys: {KEYS}",
    "PartialCredentialsError": f"half of the keys is missing: {KEYS}",
    "EndpointConnectionError": "the endpoint does not answer: mend endpoint= in its address, or the network",
    "ConnectTimeoutError": "the endpoint does not answer: mend endpoint= in its address, or the network",
    "ReadTimeoutError": "the endpoint answers too slowly",
    "SSLError": "the endpoint's certificate is not trusted",
    "ParamValidationError": "the name of the bucket cannot be one: 3 to 63 small letters, digits, dots and dashes",
}


class BucketRefused(OSError):
    """A bucket does not do what it was asked; the sentence says what to mend."""


@contextmanager
def in_words() -> Iterator[None]:
    """Let errors of the SDK be those of any storage: a file that is missing, or a refusal with its reason."""
    try:
        yield
    except Exception as error:
        if type(error).__module__.partition(".")[0] not in SDK:
            raise
        if _code(error) in MISSING:
            raise FileNotFoundError(explained(error)) from error
        raise BucketRefused(explained(error)) from error


def explained(error: BaseException) -> str:
    """Return why a storage refused, with what to mend where that is known."""
    if isinstance(error, BucketRefused):
        return str(error)
    if type(error).__name__ == "S3UploadFailedError" and error.__context__ is not None:
        return explained(error.__context__)
    code = _code(error)
    known = BY_CODE.get(code) or BY_NAME.get(type(error).__name__)
    if known:
        return f"{known} ({code or type(error).__name__})"
    return f"{type(error).__name__}: {str(error)[:200]}"


def _code(error: BaseException) -> str:
    response = getattr(error, "response", None)
    return str(response.get("Error", {}).get("Code", "")) if isinstance(response, dict) else ""
