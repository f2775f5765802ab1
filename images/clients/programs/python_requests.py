"""Requests: get the page."""

import os

import requests

print(requests.get(os.environ["URL"]).text)
