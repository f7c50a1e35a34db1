# SPDX-License-Identifier: Apache-2.0
"""google-cloud-storage as the tests use it; methods as in client_s3."""
import google.api_core.exceptions
from google.auth.credentials import AnonymousCredentials
from google.cloud import storage


class GcsClient:
    def __init__(self, endpoint):
        self.client = storage.Client(project="dlfw-test", credentials=AnonymousCredentials(), client_options={"api_endpoint": endpoint})

    def make_bucket(self, bucket):
        self.client.create_bucket(bucket)

    def has_bucket(self, bucket):
        return bucket in [entry.name for entry in self.client.list_buckets()]

    def blob(self, bucket, key, **more):
        return self.client.bucket(bucket).blob(key, **more)

    def put(self, bucket, key, data, metadata=None):
        blob = self.blob(bucket, key)
        blob.metadata = metadata
        blob.upload_from_string(data, content_type="application/octet-stream")

    def put_in_parts(self, bucket, key, data, part_bytes):
        import io
        self.blob(bucket, key, chunk_size=part_bytes).upload_from_file(io.BytesIO(data))  # resumable, as the size is not told

    def get(self, bucket, key):
        return self.blob(bucket, key).download_as_bytes()

    def get_range(self, bucket, key, first, last):
        return self.blob(bucket, key).download_as_bytes(start=first, end=last, checksum=None)

    def size(self, bucket, key):
        blob = self.client.bucket(bucket).get_blob(key)
        return None if blob is None else blob.size

    def etag(self, bucket, key):
        return self.client.bucket(bucket).get_blob(key).etag

    def names(self, bucket, prefix=""):
        return sorted(entry.name for entry in self.client.list_blobs(bucket, prefix=prefix or None))

    def delete(self, bucket, key):
        try:
            self.blob(bucket, key).delete()
        except google.api_core.exceptions.NotFound:
            pass

    def uploads(self, bucket):
        """The service has no request that lists unfinished uploads; they have no name until they end."""
        return []
