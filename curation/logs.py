"""Logs: one JSON object a line, so that a stranger's text cannot forge a line."""

import json
import logging
import os
import sys
from datetime import UTC, datetime
from pathlib import Path


class JsonLine(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line = {
            "ts": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "role": os.environ.get("WINNOW_ROLE") or Path(sys.argv[0]).name,
            "logger": record.name,
            "event": record.getMessage(),
        }
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)
