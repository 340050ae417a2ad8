from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """What one fetch may cost. Bytes count on the wire and after decompression; seconds span all redirects.

    `content_types` None takes any: what a file is, its first bytes say, not its server.
    """

    most_bytes: int = 50_000_000
    total_seconds: float = 10.0
    connect_seconds: float = 5.0
    idle_seconds: float = 5.0
    redirects: int = 3
    ports: frozenset[int] = frozenset({80, 443})
    plain_http: bool = False
    content_types: frozenset[str] | None = None
