"""urllib3, as it comes: get the page."""

import os

import urllib3

print(urllib3.PoolManager().request("GET", os.environ["URL"]).data.decode())
