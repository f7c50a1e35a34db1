# SPDX-License-Identifier: Apache-2.0
"""boto3 as the tests use it. The three clients have the same methods, so that one suite speaks to all services."""
import boto3
import botocore.exceptions
from boto3.s3.transfer import TransferConfig
from botocore.config import Config


class S3Client:
    def __init__(self, endpoint, key, secret, ca=None):
        # Checksums behind the body need chunks that not every server takes.
        config = Config(request_checksum_calculation="when_required", response_checksum_validation="when_required", s3={"addressing_style": "path"},
                        retries={"max_attempts": 1}, connect_timeout=5, read_timeout=30)
        self.s3 = boto3.client("s3", endpoint_url=endpoint, aws_access_key_id=key, aws_secret_access_key=secret, region_name="us-east-1", config=config,
                               verify=ca)

    def make_bucket(self, bucket):
        self.s3.create_bucket(Bucket=bucket)

    def has_bucket(self, bucket):
        return bucket in [entry["Name"] for entry in self.s3.list_buckets()["Buckets"]]

    def put(self, bucket, key, data, metadata=None):
        self.s3.put_object(Bucket=bucket, Key=key, Body=data, Metadata=metadata or {})

    def put_in_parts(self, bucket, key, data, part_bytes):
        import io
        config = TransferConfig(multipart_threshold=part_bytes, multipart_chunksize=part_bytes, max_concurrency=2)
        self.s3.upload_fileobj(io.BytesIO(data), bucket, key, Config=config)

    def get(self, bucket, key):
        return self.s3.get_object(Bucket=bucket, Key=key)["Body"].read()

    def get_range(self, bucket, key, first, last):
        return self.s3.get_object(Bucket=bucket, Key=key, Range=f"bytes={first}-{last}")["Body"].read()

    def size(self, bucket, key):
        """None: there is no such object."""
        try:
            return self.s3.head_object(Bucket=bucket, Key=key)["ContentLength"]
        except botocore.exceptions.ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] == 404:
                return None
            raise

    def etag(self, bucket, key):
        return self.s3.head_object(Bucket=bucket, Key=key)["ETag"].strip('"')

    def names(self, bucket, prefix=""):
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        return sorted(entry["Key"] for page in pages for entry in page.get("Contents", []))

    def delete(self, bucket, key):
        self.s3.delete_object(Bucket=bucket, Key=key)

    def uploads(self, bucket):
        """Unfinished uploads in parts."""
        return [entry["Key"] for entry in self.s3.list_multipart_uploads(Bucket=bucket).get("Uploads", [])]
