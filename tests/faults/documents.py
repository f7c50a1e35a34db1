# SPDX-License-Identifier: Apache-2.0
"""Errors in each service's own words and format, for Status faults."""
import json

from .kinds import Status


def s3_error(code, word, text, **more):
    body = f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{word}</Code><Message>{text}</Message><RequestId>FAULT0000000001</RequestId></Error>'
    return Status(code, body.encode(), headers=[("Content-Type", "application/xml"), ("x-amz-request-id", "FAULT0000000001")], **more)


def azure_error(code, word, text, **more):
    body = f'\ufeff<?xml version="1.0" encoding="utf-8"?>\n<Error><Code>{word}</Code><Message>{text}\nRequestId:fault-0001\nTime:2026-01-01T00:00:00Z</Message></Error>'
    headers = [("Content-Type", "application/xml"), ("x-ms-request-id", "fault-0001"), ("x-ms-error-code", word)]
    return Status(code, body.encode(), headers=headers, **more)


def gcs_error(code, word, text, **more):
    body = json.dumps({"error": {"code": code, "message": text, "errors": [{"message": text, "domain": "global", "reason": word}]}})
    headers = [("Content-Type", "application/json; charset=UTF-8"), ("X-GUploader-UploadID", "fault-0001")]
    return Status(code, body.encode(), headers=headers, **more)


# Per scheme: what the service says when ...
UNAVAILABLE = {
    "s3": lambda **more: s3_error(503, "ServiceUnavailable", "Service is unable to handle request.", **more),
    "az": lambda **more: azure_error(503, "ServerBusy", "The server is currently unable to receive requests.", **more),
    "gs": lambda **more: gcs_error(503, "backendError", "Backend Error", **more),
}
THROTTLED = {
    "s3": lambda **more: s3_error(503, "SlowDown", "Please reduce your request rate.", **more),
    "az": lambda **more: azure_error(503, "ServerBusy", "Ingress is over the account limit.", **more),
    "gs": lambda **more: gcs_error(429, "rateLimitExceeded", "The rate of requests is too high.", **more),
}
BROKEN = {
    "s3": lambda **more: s3_error(500, "InternalError", "We encountered an internal error. Please try again.", **more),
    "az": lambda **more: azure_error(500, "InternalError", "The server encountered an internal error. Please retry the request.", **more),
    "gs": lambda **more: gcs_error(500, "internalError", "Internal Error", **more),
}
EXPIRED = {
    "s3": lambda **more: s3_error(400, "ExpiredToken", "The provided token has expired.", **more),
    "az": lambda **more: azure_error(403, "AuthenticationFailed", "Server failed to authenticate the request. Lifetime validation failed. The token is expired.", **more),
    "gs": lambda **more: gcs_error(401, "authError", "Invalid Credentials", **more),
}
DENIED = {
    "s3": lambda **more: s3_error(403, "AccessDenied", "Access Denied", **more),
    "az": lambda **more: azure_error(403, "AuthorizationPermissionMismatch", "This request is not authorized to perform this operation.", **more),
    "gs": lambda **more: gcs_error(403, "forbidden", "The caller does not have storage.objects.get access.", **more),
}
