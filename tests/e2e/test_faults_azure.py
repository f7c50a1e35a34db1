# SPDX-License-Identifier: Apache-2.0
"""The fault matrix between the backend az and Azurite."""
import unittest

import fault_suite
from object_store import ObjectStore, start
from servers.certificates import Certificates
from servers.azurite import Azurite


def setUpModule():
    certificates = Certificates()
    unittest.addModuleCleanup(certificates.remove)
    ObjectStore.server = start(Azurite())
    Trust.certificates = certificates


class Requests:
    """Where each operation meets its fault."""
    put_request = ("PUT", "/written")
    part_request = ("PUT", "/parts.*comp=block(&|$)")
    list_request = ("GET", "comp=list")

    def uploads_left(self, key):
        """Blocks that were never committed: the service has no request that removes them, and drops them after a week."""
        return []


class Connections(Requests, fault_suite.Connections):
    pass


class Bodies(Requests, fault_suite.Bodies):
    checksums = ("checksums=md5",)


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
