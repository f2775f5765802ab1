"""Python's urllib.request: get the page."""

import os
import urllib.request

with urllib.request.urlopen(os.environ["URL"]) as answer:
    print(answer.read().decode())
