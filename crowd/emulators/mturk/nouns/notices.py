"""Notifications of events: the document, and how it travels to what stands in for SNS or SQS."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal


@dataclass(slots=True)
class Notice:
    """One event on its way; `state` says what became of the delivery."""

    document_id: str
    at: datetime
    event: str
    transport: str
    destination: str
    version: str
    customer_id: str
    hit_type_id: str
    hit_id: str
    assignment_id: str | None = None
    state: Literal["waiting", "delivered", "failed", "kept"] = "waiting"
    error: str = ""

    @property
    def document(self) -> dict[str, Any]:
        event = {
            "EventType": self.event,
            "EventTimestamp": f"{self.at:%Y-%m-%dT%H:%M:%SZ}",
            "HITTypeId": self.hit_type_id,
            "HITId": self.hit_id,
            **({"AssignmentId": self.assignment_id} if self.assignment_id else {}),
        }
        return {
            "EventDocVersion": self.version,
            "EventDocId": self.document_id,
            "CustomerId": self.customer_id,
            "Events": [event],
        }

    def body(self) -> str:
        """Return what is posted: for SQS the message itself, for SNS the envelope that SNS puts around it."""
        if self.transport != "SNS":
            return json.dumps(self.document)
        envelope = {
            "Type": "Notification",
            "MessageId": self.document_id,
            "TopicArn": self.destination,
            "Message": json.dumps(self.document),
            "Timestamp": f"{self.at:%Y-%m-%dT%H:%M:%S}.000Z",
        }
        return json.dumps(envelope)

    def as_json(self) -> dict[str, Any]:
        return {"state": self.state, "error": self.error, "destination": self.destination, **self.document}
