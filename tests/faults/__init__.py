# SPDX-License-Identifier: Apache-2.0
"""What goes wrong between a client and an object store, on purpose: proxy.py does it, documents.py has the services' own words for it."""
