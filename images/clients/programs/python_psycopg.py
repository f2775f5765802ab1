"""Psycopg: select 1."""

import os

import psycopg

with psycopg.connect(
    host=os.environ["SERVER"], port=os.environ["PORT"], user="errnolab", dbname="errnolab"
) as connection:
    print(connection.execute("select 1").fetchone())
