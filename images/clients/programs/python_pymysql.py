"""PyMySQL: select 1."""

import os

import pymysql

connection = pymysql.connect(
    host=os.environ["SERVER"], port=int(os.environ["PORT"]), user="errnolab"
)
with connection, connection.cursor() as cursor:
    cursor.execute("select 1")
    print(cursor.fetchone())
