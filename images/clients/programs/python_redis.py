"""redis-py: PING."""

import os

import redis

print(redis.Redis(os.environ["SERVER"], int(os.environ["PORT"])).ping())
