# SPDX-License-Identifier: Apache-2.0
"""azure-storage-blob as the tests use it; methods as in client_s3."""
import azure.core.exceptions
from azure.storage.blob import BlobServiceClient


class AzureClient:
    def __init__(self, account_url, account, key, ca=None):
        more = {"connection_verify": ca} if ca else {}
        self.options = dict(credential={"account_name": account, "account_key": key}, retry_total=0, **more)
        self.account_url = account_url
        self.service = BlobServiceClient(account_url, **self.options)

    def make_bucket(self, bucket):
        self.service.create_container(bucket)

    def has_bucket(self, bucket):
        return bucket in [entry.name for entry in self.service.list_containers()]

    def blob(self, bucket, key):
        return self.service.get_blob_client(bucket, key)

    def put(self, bucket, key, data, metadata=None):
        self.blob(bucket, key).upload_blob(data, overwrite=True, metadata=metadata)

    def put_in_parts(self, bucket, key, data, part_bytes):
        with BlobServiceClient(self.account_url, max_single_put_size=part_bytes, max_block_size=part_bytes, **self.options) as service:
            service.get_blob_client(bucket, key).upload_blob(data, overwrite=True, max_concurrency=2)

    def get(self, bucket, key):
        return self.blob(bucket, key).download_blob().readall()

    def get_range(self, bucket, key, first, last):
        return self.blob(bucket, key).download_blob(offset=first, length=last - first + 1).readall()

    def size(self, bucket, key):
        try:
            return self.blob(bucket, key).get_blob_properties().size
        except azure.core.exceptions.ResourceNotFoundError:
            return None

    def etag(self, bucket, key):
        return self.blob(bucket, key).get_blob_properties().etag.strip('"')

    def names(self, bucket, prefix=""):
        return sorted(entry.name for entry in self.service.get_container_client(bucket).list_blobs(name_starts_with=prefix or None))

    def delete(self, bucket, key):
        self.blob(bucket, key).delete_blob()

    def uploads(self, bucket):
        """Blobs that have blocks but were never committed. The service keeps them for a week and has no request that removes them."""
        entries = self.service.get_container_client(bucket).list_blobs(include=["uncommittedblobs"])
        return sorted(set(entry.name for entry in entries) - set(self.names(bucket)))
