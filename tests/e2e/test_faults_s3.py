# SPDX-License-Identifier: Apache-2.0
"""The fault matrix between the backend s3 and SeaweedFS."""
import datetime
import email.utils
import unittest

import fault_suite
from object_store import ObjectStore, start
from faults import documents
from faults.proxy import Proxy, Rule
from servers.certificates import Certificates
from servers.seaweedfs import SeaweedFS


def setUpModule():
    certificates = Certificates()
    unittest.addModuleCleanup(certificates.remove)
    ObjectStore.server = start(SeaweedFS())
    Trust.certificates = certificates


class Requests:
    """Where each operation meets its fault."""
    put_request = ("PUT", "/written")
    part_request = ("PUT", "/parts.*partNumber")
    list_request = ("GET", "list-type")


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


class Clock(Requests, fault_suite.Matrix):
    def test_skew(self):
        """Told that its clock is wrong, the client signs with the service's time. Here the one who told lied, and the service corrects it once more."""
        skewed = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=2)
        answer = documents.s3_error(403, "RequestTimeTooSkewed", "The difference between the request time and the current time is too large.")
        answer.headers.append(("Date", email.utils.format_datetime(skewed, usegmt=True)))
        with Proxy(self.server.port, [Rule(answer, method="GET", path="/read")]) as proxy:
            self.read(proxy, self.words(), fault_suite.RIGHT)
            self.assertEqual(proxy.done, 1)
            signed = [head.get("x-amz-date") for head in proxy.heads if head.first.startswith("GET")]
        self.assertIn(skewed.strftime("%Y%m%dT%H"), [time[:11] for time in signed])
        self.assertNotEqual(signed[-1][:11], skewed.strftime("%Y%m%dT%H"))


class Training(Requests, fault_suite.Training):
    pass


class Interrupted(Requests, fault_suite.Interrupted):
    pass
