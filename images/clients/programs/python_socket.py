"""Python's socket: say hi, print the answer."""

import os
import socket

with socket.create_connection((os.environ["SERVER"], int(os.environ["PORT"]))) as connection:
    connection.sendall(b"hi")
    print(connection.recv(2048).decode())
