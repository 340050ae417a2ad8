"""A refusal as the platform words it."""

from typing import Any


class Refusal(Exception):
    def __init__(self, status: int, title: str, detail: Any) -> None:
        self.status, self.title, self.detail = status, title, detail
        super().__init__(f"{status} {detail}")

    def body(self) -> dict[str, Any]:
        told = {
            "status": self.status,
            "error_code": self.status * 1_000,
            "title": self.title,
            "detail": self.detail,
            "additional_information": "/api-reference/errors",
        }
        return {"error": told}


def invalid(detail: Any) -> Refusal:
    return Refusal(400, "Validation error", detail)


def not_found(what: str, one: str) -> Refusal:
    return Refusal(404, "Not found", f"No {what} with id {one!r} is found.")
