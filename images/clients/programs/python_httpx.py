"""HTTPX, without asyncio: get the page."""

import os

import httpx

print(httpx.get(os.environ["URL"]).text)
