# SPDX-License-Identifier: Apache-2.0
"""Reads or writes objects with another S3 client: peer_objects.py CLIENT get|put ENDPOINT KEYLIST THREADS [SIZE]

KEYLIST holds one s3://bucket/key per line; CLIENT is boto3 or s3dlio; keys come from the environment (AWS_*). Bytes are read and dropped. Prints
"requests N bytes B wall W cpu C": the client is imported, connected and warm (one object) before the clock starts.
"""
import concurrent.futures
import os
import resource
import sys
import time


def cpu():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def split(uri):
    return uri.removeprefix("s3://").split("/", 1)


class Boto3:
    def __init__(self, endpoint, threads):
        import boto3
        from botocore.config import Config

        config = Config(max_pool_connections=threads, s3={"addressing_style": "path"}, request_checksum_calculation="when_required",
                        response_checksum_validation="when_required")
        self.client = boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1", config=config)
        self.pool = concurrent.futures.ThreadPoolExecutor(threads)

    def get_one(self, uri):
        bucket, key = split(uri)
        return len(self.client.get_object(Bucket=bucket, Key=key)["Body"].read())

    def get(self, uris):
        return sum(self.pool.map(self.get_one, uris))

    def put_one(self, uri):
        bucket, key = split(uri)
        self.client.put_object(Bucket=bucket, Key=key, Body=self.payload)
        return len(self.payload)

    def put(self, uris, payload):
        self.payload = payload
        return sum(self.pool.map(self.put_one, uris))


class S3dlio:
    def __init__(self, endpoint, threads):
        os.environ["AWS_ENDPOINT_URL"] = endpoint
        os.environ["S3DLIO_SKIP_HEAD"] = "1"
        import s3dlio

        self.s3dlio = s3dlio
        self.threads = threads

    def get(self, uris):
        count, total = self.s3dlio.get_many_stats(uris, max_in_flight=self.threads)[:2]
        assert count == len(uris), (count, len(uris))
        return total

    def put(self, uris, payload):
        self.s3dlio.put_many([(uri, payload) for uri in uris], max_in_flight=self.threads)
        return len(uris) * len(payload)


def main():
    name, operation, endpoint, keylist, threads = sys.argv[1:6]
    uris = [line for line in open(keylist, encoding="utf-8").read().splitlines() if line]
    client = {"boto3": Boto3, "s3dlio": S3dlio}[name](endpoint, int(threads))
    payload = os.urandom(int(sys.argv[6])) if operation == "put" else None
    work = (lambda some: client.put(some, payload)) if operation == "put" else client.get
    work(uris[:1])
    before, start = cpu(), time.monotonic()
    total = work(uris)
    wall = time.monotonic() - start
    print(f"requests {len(uris)} bytes {total} wall {wall:.6f} cpu {cpu() - before:.6f}")


if __name__ == "__main__":
    main()
