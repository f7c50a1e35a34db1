# SPDX-License-Identifier: Apache-2.0
"""The fault matrix between the backend gs and GcsEmulator."""
import unittest

import fault_suite
from object_store import ObjectStore, start
from servers.certificates import Certificates
from servers.gcs import GcsEmulator


def setUpModule():
    certificates = Certificates()
    unittest.addModuleCleanup(certificates.remove)
    ObjectStore.server = start(GcsEmulator())
    Trust.certificates = certificates


class Requests:
    """Where each operation meets its fault."""
    put_request = ("POST", "uploadType=multipart")
    part_request = ("PUT", "upload")
    list_request = ("GET", "/o[?]")


class Connections(Requests, fault_suite.Connections):
    pass


class Bodies(Requests, fault_suite.Bodies):
    pass


class Statuses(Requests, fault_suite.Statuses):
    pass


class Silence(Requests, fault_suite.Silence):
    pass


class Trust(Requests, fault_suite.Trust):
    pass


class Training(Requests, fault_suite.Training):
    pass


class Interrupted(Requests, fault_suite.Interrupted):
    pass
