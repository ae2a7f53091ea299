"""Bedrock's events of batch jobs, as EventBridge puts them into an SQS queue.

An event is a hint whom to ask and no fact: events are lost, doubled, late and out of order, and Bedrock sends them on
best effort. Source: Amazon Bedrock user guide, "How EventBridge for Amazon Bedrock works".
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from botocore.exceptions import BotoCoreError, ClientError

from batch_assets.bedrock.jobs import ENDED_STATUSES
from batch_assets.errors import ServiceError

SOURCE = "aws.bedrock"
DETAIL_TYPE = "Batch Inference Job State Change"

_logger = logging.getLogger(__name__)
_PER_CALL = 10  # of ReceiveMessage and DeleteMessageBatch
_MAX_CALLS = 20
# Longer than a look and the recording of what it has found, so that a message comes again when that is to be seen.
_INVISIBLE_SECONDS = 60


@dataclass(frozen=True)
class JobEvent:
    """What an event says of a job."""

    job_arn: str
    status: str

    @property
    def ended(self) -> bool:
        return self.status in ENDED_STATUSES


@dataclass(frozen=True)
class Message:
    """A message of the queue; without an event it is not one that Bedrock sent about a batch job."""

    receipt: str
    event: JobEvent | None


def read_event(body: str) -> JobEvent | None:
    """The event in the body of a message, or None if there is none; its times are not looked at.

    They are not ISO 8601 in the documentation's sample.
    """
    try:
        told = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(told, Mapping) or told.get("source") != SOURCE or told.get("detail-type") != DETAIL_TYPE:
        return None
    detail = told.get("detail")
    if not isinstance(detail, Mapping):
        return None
    arn, status = detail.get("batchJobArn"), detail.get("status")
    return JobEvent(arn, status) if isinstance(arn, str) and isinstance(status, str) else None


@dataclass(frozen=True)
class EventQueue:
    """The queue of one deployment; a message that is not deleted comes again after `invisible_seconds`."""

    client: Any
    url: str
    invisible_seconds: int = _INVISIBLE_SECONDS

    def receive(self) -> Iterator[Message]:
        """Messages until the queue gives none that is new, at most 200. Raises `ServiceError`."""
        seen: set[str] = set()
        for _ in range(_MAX_CALLS):
            messages = [message for message in self._receive() if message["MessageId"] not in seen]
            seen.update(message["MessageId"] for message in messages)
            for message in messages:
                event = read_event(message["Body"])
                if event is None:
                    _logger.warning("%s: message %s is no event of a batch job", self.url, message["MessageId"])
                yield Message(message["ReceiptHandle"], event)
            if not messages:
                return

    def delete(self, messages: Sequence[Message]) -> None:
        """Take messages out of the queue; one that stays comes again. Raises `ServiceError`."""
        for start in range(0, len(messages), _PER_CALL):
            some = messages[start : start + _PER_CALL]
            entries = [{"Id": str(number), "ReceiptHandle": one.receipt} for number, one in enumerate(some)]
            try:
                self.client.delete_message_batch(QueueUrl=self.url, Entries=entries)
            except (BotoCoreError, ClientError) as error:
                raise ServiceError(f"events cannot be deleted from {self.url}: {error}") from error

    def _receive(self) -> Sequence[Mapping[str, Any]]:
        try:
            reply = self.client.receive_message(
                QueueUrl=self.url, MaxNumberOfMessages=_PER_CALL, VisibilityTimeout=self.invisible_seconds
            )
        except (BotoCoreError, ClientError) as error:
            raise ServiceError(f"events cannot be received from {self.url}: {error}") from error
        messages: Sequence[Mapping[str, Any]] = reply.get("Messages", [])
        return messages
