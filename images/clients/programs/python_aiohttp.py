"""aiohttp's client: get the page."""

import asyncio
import os

import aiohttp


async def main() -> None:
    """Get the page once."""
    async with aiohttp.ClientSession() as session, session.get(os.environ["URL"]) as answer:
        print(await answer.text())


asyncio.run(main())
