# SPDX-License-Identifier: Apache-2.0
"""Runs a command against a server that lives as long as it: python -m servers [--tls] NAME COMMAND...

The environment of the command names the server and holds its credentials. In the words of the command {root} and {uri} are a bucket made for it, and the word
{options} becomes --option NAME=VALUE for each option of the backend."""
import os
import subprocess
import sys

from .azurite import Azurite
from .certificates import Certificates
from .gcs import GcsEmulator
from .nginx import Front
from .program import die_with_parent
from .rclone import Rclone
from .seaweedfs import SeaweedFS

SERVERS = {"seaweedfs": SeaweedFS, "rclone": Rclone, "azurite": Azurite, "gcs": GcsEmulator}
BUCKET = "dlfw-bucket"


def expand(words, server):
    uri = server.uri(BUCKET)
    for word in words:
        if word == "{options}":
            for name, value in server.options.items():
                yield from ("--option", f"{name}={value}")
        else:
            yield word.replace("{uri}", uri).replace("{root}", uri.split("://", 1)[1])


def run(server, words):
    client = server.client()
    client.make_bucket(BUCKET)
    client.put(BUCKET, "first", b"x")  # what a server sets up at the first write may take seconds, more than some cases wait
    client.delete(BUCKET, "first")
    code = subprocess.run(list(expand(words, server)), env={**os.environ, **server.env}, preexec_fn=die_with_parent).returncode
    if code:
        server.show_log()
    return code


def main(words):
    tls = words[:1] == ["--tls"]
    words = words[tls:]
    if len(words) < 2 or words[0] not in SERVERS:
        sys.exit(f"usage: python -m servers [--tls] {'|'.join(SERVERS)} COMMAND...")
    certificates = Certificates() if tls else None
    try:
        if tls and words[0] == "gcs":  # has no TLS of its own
            with GcsEmulator() as behind, Front(behind, certificates) as server:
                return run(server, words[1:])
        with SERVERS[words[0]](certificates) as server:
            return run(server, words[1:])
    finally:
        if certificates:
            certificates.remove()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
