"""emit(): an event becomes rows in the caller's transaction, and the queue is rung on commit."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

from django.db import IntegrityError, models, transaction
from django.utils import timezone

from . import queue
from .clock import DatabaseNow
from .conf import conf
from .events import Event, get_event_type
from .exceptions import PayloadError
from .models import Delivery, Endpoint, Message
from .models.deliveries import DeliveryQuerySet, Reason, Status
from .models.messages import Problem, new_message_id
from .outbox_sql import insert_deliveries, insert_message, subscribers
from .payloads.standard import StandardJSON


logger = logging.getLogger(__name__)

BATCH = 500

#: What the sweep does before it delivers, for modules that come after this one: emit, by key, what
#: was stored but never became a Message, and the like. It calls each.
reconcilers: list[Callable[[], object]] = []


@dataclass(frozen=True)
class Occurrence:
    """What emit was called with; ``since`` is set for one that is reported late."""

    event_type: str
    data: Any
    page: Any = None
    source: models.Model | None = None
    endpoints: tuple[Endpoint, ...] | None = None
    deadline: datetime | None = None
    key: str | None = None
    late_since: datetime | None = None


def emit(
    event_type: str,
    data: dict[str, Any],
    *,
    page: Any = None,
    source: models.Model | None = None,
    endpoints: Iterable[Endpoint] | None = None,
    deadline: datetime | None = None,
    key: str | None = None,
) -> Message | None:
    """Tell everybody who wants to know that something happened.

    The Message and its Deliveries are part of the caller's transaction; nothing is sent before
    it commits, and nothing that goes wrong here harms it.

    ``page``: what the event is about, for subscriptions to a subtree and for the log.
    ``source``: any saved instance, such as the submission; erasing it erases the data here.
    ``endpoints``: these instead of whoever is subscribed. ``deadline``: retries respect it.
    ``key``: makes the call idempotent, per event type.
    Returns None when nobody is to be told, or the key was seen.
    Raises UnknownEventType, before it touches the database; and what has undone the caller's
    transaction, such as a lost connection, which would otherwise roll back without a word.
    """
    get_event_type(event_type)
    named = None
    if isinstance(endpoints, (list, tuple)):
        named = tuple(endpoints)
    elif endpoints is not None:
        # A queryset, perhaps, which is not read before now.
        read: list[tuple[Endpoint, ...]] = []
        with harmless("The endpoints of an event of type %s could not be read", event_type):
            read.append(tuple(endpoints))
        if not read:
            return None
        (named,) = read
    return record(Occurrence(event_type, data, page, source, named, deadline, key))


def record(occurrence: Occurrence) -> Message | None:
    """Store an occurrence; what cannot be stored whole is stored as unprepared.

    Raises only what has already undone the caller's own transaction, see is_undone().
    """
    was_undone = is_undone()
    try:
        with transaction.atomic():
            message = _store(occurrence)
    except Exception as error:
        message = _store_unprepared(occurrence, error)
        if is_undone() and not was_undone:
            raise
    if message is not None:
        queue.wake_on_commit()
    return message


def record_all(occurrences: Iterable[Occurrence]) -> None:
    """Store many occurrences, each of which names its endpoints, in a few statements.

    Raises as record() does.
    """
    left = [occurrence for occurrence in occurrences if occurrence.endpoints]
    for start in range(0, len(left), BATCH):
        batch = left[start : start + BATCH]
        was_undone = is_undone()
        try:
            with transaction.atomic():
                _store_all(batch)
        except Exception as error:
            _log("%s events were not stored at once, now one by one (%s).", len(batch), error)
            if is_undone() and not was_undone:
                raise
            for occurrence in batch:
                record(occurrence)
    if left:
        queue.wake_on_commit()


@contextmanager
def harmless(text: str, subject: object) -> Iterator[None]:
    """Whatever fails in here is logged by its kind, and the caller goes on.

    In a savepoint where there is a transaction, so that a query that fails leaves it usable.
    Raises only what has undone that transaction.
    """
    was_undone = is_undone()
    try:
        with transaction.atomic():
            yield
    except Exception as error:
        _log(f"{text} (%s).", subject, error)
        if is_undone() and not was_undone:
            raise


def is_undone() -> bool:
    """Whether the caller's transaction can only be rolled back: its connection was lost, say.

    Going on would let the caller believe in work that its COMMIT silently drops.
    """
    connection = transaction.get_connection()
    return connection.in_atomic_block and connection.needs_rollback


def unseen(event_type: str, keys: Iterable[str | None]) -> list[str]:
    """Those of the keys for which no message of this type exists."""
    wanted = {key_of(key): key for key in keys if key is not None}
    stored = list(wanted)
    seen: set[str | None] = set()
    for start in range(0, len(stored), BATCH):
        batch = Message.objects.filter(event_type=event_type, key__in=stored[start : start + BATCH])
        seen.update(batch.values_list("key", flat=True))
    return sorted(key for digest, key in wanted.items() if digest not in seen)


def key_of(key: str | None) -> str | None:
    """How a key is stored: of any length, and as exact on MariaDB, which ignores case."""
    return None if key is None else sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


def prepare_unprepared() -> int:
    """Write the deliveries of messages that had to be stored without them. Returns how many."""
    prepared = 0
    for message in Message.objects.unprepared().select_related("page")[:BATCH]:
        try:
            with transaction.atomic():
                _prepare(message)
            prepared += 1
        except Exception as error:  # noqa: BLE001  the next one may be sound
            _log("Message %s is still unprepared (%s).", message.pk, error)
    return prepared


def resend(deliveries: DeliveryQuerySet) -> int:
    """Send once more: the same id, the same bytes, to the endpoint's present URL.

    Returns how many; what is under way, erased or pruned is left as it is.
    """
    ids = list(deliveries.resendable().order_by().values_list("message_id", flat=True).distinct())
    count = 0
    for start in range(0, len(ids), BATCH):
        with transaction.atomic():
            # Who erases or prunes one of them at this moment comes first.
            batch = Message.objects.all().lock(ids[start : start + BATCH])
            count += deliveries.filter(message__in=batch).resend(DatabaseNow())
    if count:
        queue.wake_on_commit()
    return count


def label_of(model: type[models.Model]) -> str:
    """How a source's model is stored: a proxy's rows are deleted under the name of its model."""
    concrete = model._meta.concrete_model
    return (concrete or model)._meta.label_lower


def erase(source: models.Model) -> None:
    """Remove a source's data everywhere here: bodies and answers go, hashes and sizes stay."""
    messages = Message.objects.about(*_reference(source))
    ids = list(messages.values_list("pk", flat=True))
    if not ids:
        return
    with transaction.atomic():
        # A resend between here and COMMIT would bring the data back.
        deliveries = Delivery.objects.filter(message__in=messages.lock(ids))
        deliveries.cancel(Reason.ERASED, timezone.now())
        deliveries.erase_bodies()
        messages.update(body="", erased_at=timezone.now())


def _store(occurrence: Occurrence) -> Message | None:
    endpoint_ids = _endpoint_ids(occurrence)
    if not endpoint_ids:
        return None
    message = _message(occurrence)
    insert_message(message)
    _deliver([message.pk], endpoint_ids, message.problem)
    return message


def _store_all(occurrences: Iterable[Occurrence]) -> None:
    stored = [(_message(occurrence), _endpoint_ids(occurrence)) for occurrence in occurrences]
    told = [(message, frozenset(pks)) for message, pks in stored if pks]
    Message.objects.bulk_create([message for message, _ in told], batch_size=BATCH)
    alike: dict[tuple[str, frozenset[int]], list[Message]] = {}
    for message, pks in told:
        alike.setdefault((message.problem, pks), []).append(message)
    for (problem, pks), messages in alike.items():
        _deliver([message.pk for message in messages], pks, problem)


def _is_seen(occurrence: Occurrence) -> bool:
    if occurrence.key is None:
        return False
    return not unseen(occurrence.event_type, [occurrence.key])


def _endpoint_ids(occurrence: Occurrence) -> list[int]:
    """Each once, without those that are archived."""
    event_type, page, since = occurrence.event_type, occurrence.page, occurrence.late_since
    if occurrence.endpoints is not None:
        used = [each.pk for each in occurrence.endpoints if each.archived_at is None]
        return list(dict.fromkeys(used))
    if since is not None:
        late = Endpoint.objects.subscribed_to(event_type, page, since=since)
        return list(late.values_list("pk", flat=True))
    return subscribers(event_type, page)


def _message(occurrence: Occurrence) -> Message:
    message = _bare_message(occurrence)
    try:
        _write_body(message, occurrence.data)
    except PayloadError as error:
        message.problem = error.reason
        message.problem_detail = error.detail
        _log("An event of type %s has no body (%s).", occurrence.event_type, error)
    return message


def _bare_message(occurrence: Occurrence) -> Message:
    label, pks = _reference(occurrence.source)
    return Message(
        id=new_message_id(),
        event_type=occurrence.event_type,
        occurred_at=occurrence.late_since or timezone.now(),
        page_id=getattr(occurrence.page, "pk", None),
        source_label=label,
        source_pk=pks[0],
        key=key_of(occurrence.key),
        deadline=occurrence.deadline,
        named_endpoints=None
        if occurrence.endpoints is None
        else [endpoint.pk for endpoint in occurrence.endpoints],
    )


def _write_body(message: Message, data: Any) -> None:
    event = Event(message.id, message.event_type, message.occurred_at, data)
    payload = StandardJSON().render(event)
    message.body_sha256, message.body_size = payload.sha256, len(payload.body)
    if message.body_size > conf.max_payload_bytes:
        raise PayloadError("too_large", f"{message.body_size} of {conf.max_payload_bytes} bytes")
    message.body = payload.body.decode("ascii")


def _deliver(message_ids: Collection[str], endpoint_ids: Collection[int], problem: str) -> None:
    """One of each message to each endpoint; failed from the start if there is a problem."""
    state: dict[str, Any] = {"next_attempt_at": DatabaseNow()}
    if problem:
        reason = Reason(problem)
        state = {"status": Status.FAILED, "reason": reason, "finished_at": timezone.now()}
    if endpoint_ids:
        insert_deliveries(message_ids, endpoint_ids, **state)


def _store_unprepared(occurrence: Occurrence, cause: Exception) -> Message | None:
    try:
        if isinstance(cause, IntegrityError) and _is_seen(occurrence):
            return None
        _log("An event of type %s could not be prepared (%s).", occurrence.event_type, cause)
        message = _message(occurrence)
        if not message.problem:
            message.problem = Problem.UNPREPARED
            message.problem_detail = type(cause).__name__
        with transaction.atomic():
            insert_message(message)
        return message
    except Exception as error:  # noqa: BLE001  the source's row is left, and the sweep finds it
        _log("An event of type %s was not stored (%s).", occurrence.event_type, error)
        return None


def _prepare(message: Message) -> None:
    if message.named_endpoints is not None:
        endpoints = Endpoint.objects.active().filter(pk__in=message.named_endpoints)
    else:
        endpoints = Endpoint.objects.subscribed_to(
            message.event_type, message.page, since=message.occurred_at
        )
    there = set(message.deliveries.values_list("endpoint_id", flat=True))
    message.problem = message.problem_detail = ""
    missing = [endpoint.pk for endpoint in endpoints if endpoint.pk not in there]
    _deliver([message.pk], missing, "")
    message.save(update_fields=["problem", "problem_detail"])


def _reference(source: models.Model | None) -> tuple[str, list[str]]:
    if source is None:
        return "", [""]
    return label_of(type(source)), [str(source.pk)]


def _log(text: str, subject: object, error: Exception) -> None:
    """The kind of error only: its text or traceback may quote what a citizen wrote."""
    logger.error(text, subject, type(error).__name__)
