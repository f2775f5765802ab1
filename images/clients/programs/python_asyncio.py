"""Python's asyncio streams: say hi, print the answer."""

import asyncio
import os


async def main() -> None:
    """Talk to the server once."""
    reader, writer = await asyncio.open_connection(os.environ["SERVER"], int(os.environ["PORT"]))
    writer.write(b"hi")
    await writer.drain()
    print((await reader.read(2048)).decode())
    writer.close()
    await writer.wait_closed()


asyncio.run(main())
