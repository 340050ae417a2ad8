"""Rows into Parquet files in constant memory, for the formats that are made of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

ROWS_AT_ONCE = 5_000


class Table:
    """One Parquet file being written; equal rows give equal bytes."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._schema, self._rows = schema, list[Mapping[str, Any]]()
        self._file = pq.ParquetWriter(path, schema, compression="zstd")

    def add(self, row: Mapping[str, Any]) -> None:
        self._rows.append(row)
        if len(self._rows) >= ROWS_AT_ONCE:
            self._flush()

    def close(self) -> None:
        self._flush()
        self._file.close()

    def _flush(self) -> None:
        if self._rows:
            self._file.write_table(pa.Table.from_pylist(self._rows, schema=self._schema))
            self._rows.clear()


class Tables:
    """The files being written, one for each split."""

    def __init__(self, schema: pa.Schema) -> None:
        self._schema = schema
        self._open: dict[Path, Table] = {}

    def of(self, path: Path) -> Table:
        if path not in self._open:
            self._open[path] = Table(path, self._schema)
        return self._open[path]

    @contextmanager
    def closing(self) -> Iterator[Tables]:
        """Close every file at the end, also of a run that failed."""
        try:
            yield self
        finally:
            for table in self._open.values():
                table.close()
