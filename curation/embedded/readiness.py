"""Real questions to the servers: SELECT 1 and PING, never only "the process is there"."""

import socket
import time

import psycopg

from .paths import Paths
from .postgres import DATABASE, USER


def postgres_answers(paths: Paths, database: str = DATABASE) -> bool:
    try:
        with connect(paths, database) as connection:
            return connection.execute("SELECT 1").fetchone() == (1,)
    except psycopg.Error:
        return False


def connect(paths: Paths, database: str = DATABASE) -> psycopg.Connection:
    return psycopg.connect(
        host=str(paths.pg_socket_dir), port=5432, user=USER, dbname=database, connect_timeout=2, autocommit=True
    )


def redis_answers(paths: Paths) -> bool:
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(2)
            connection.connect(str(paths.redis_socket))
            connection.sendall(b"PING\r\n")
            return connection.recv(7) == b"+PONG\r\n"
    except OSError:
        return False


def ensure_database(paths: Paths) -> bool:
    """Create the product's database when the cluster is new; return False while the server does not answer."""
    if postgres_answers(paths):
        return True
    try:
        with connect(paths, "postgres") as connection:
            known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone()
            if not known:
                connection.execute(f"CREATE DATABASE {DATABASE}".encode())
    except psycopg.Error:
        return False
    return postgres_answers(paths)


def deadline(seconds: float) -> float:
    return time.monotonic() + seconds
