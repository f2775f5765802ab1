"""Python's http.client: get the page."""

import http.client
import os
from urllib.parse import urlsplit

url = urlsplit(os.environ["URL"])
connection = http.client.HTTPConnection(url.hostname or "", url.port)
connection.request("GET", url.path)
print(connection.getresponse().read().decode())
