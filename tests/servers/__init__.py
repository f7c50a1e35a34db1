# SPDX-License-Identifier: Apache-2.0
"""Real object stores on loopback, for the tests. Each is a child of the test that starts it, and ends with it, however that ends."""
