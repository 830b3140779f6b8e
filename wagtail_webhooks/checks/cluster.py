"""Does q2 stand so that drains are run, once each and without being lost?

Q_CLUSTER is read as it is now; what django_q keeps of it dates from its import.
"""

from __future__ import annotations

import os
from math import ceil
from typing import Any
from urllib.parse import parse_qs, urlsplit

from django.apps import apps
from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning

from wagtail_webhooks import queue

from .settings import given_settings


#: Seconds by which q2's retry must outlast a drain, so that none is run twice at once.
RETRY_MARGIN = 10
#: Seconds that q2's guard adds to a task's own timeout.
GUARD_MARGIN = 3

#: In the order in which q2 looks for its broker; without any of them it is Redis.
BROKERS = ("broker_class", "iron_mq", "sqs", "orm", "mongo")
#: Those that hand a task out again when nobody has acknowledged it in time.
WITH_RECEIPTS = ("iron_mq", "sqs", "orm", "mongo")


def check_django_q(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    if apps.is_installed("django_q"):
        return []
    return [
        Error(
            "wagtail_webhooks needs django-q2 to deliver.",
            hint='Add "django_q" to INSTALLED_APPS and run "manage.py migrate".',
            id="wagtail_webhooks.E020",
        )
    ]


def check_retry(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    cluster, timeout = cluster_options(), _task_timeout()
    if timeout is None or broker(cluster) not in WITH_RECEIPTS:
        return []
    if cluster.get("retry", 60) > timeout + RETRY_MARGIN:
        return []
    return [
        Error(
            "Q_CLUSTER['retry'] is so short that a drain is handed out again while it runs.",
            hint=f"Set it above {timeout + RETRY_MARGIN} seconds: a drain may take {timeout}.",
            id="wagtail_webhooks.E021",
        )
    ]


def check_patience_of_queue(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """What a worker has taken into its queue counts as taken, however long it waits there."""
    cluster, timeout = cluster_options(), _task_timeout()
    if timeout is None or broker(cluster) not in WITH_RECEIPTS:
        return []
    workers = cluster.get("workers") or os.cpu_count() or 4
    waiting = cluster.get("queue_limit", workers**2) + cluster.get("bulk", 1) + 1
    longest = timeout * (1 + ceil(waiting / workers))
    if not timeout + RETRY_MARGIN < cluster.get("retry", 60) <= longest:
        return []
    return [
        Warning(
            "Q_CLUSTER['retry'] is so short that a drain is handed out again while it waits for "
            "a worker.",
            hint=f"Set it above {longest} seconds, or Q_CLUSTER['queue_limit'] to {2 * workers}.",
            id="wagtail_webhooks.W030",
        )
    ]


def check_queue_name(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    given = _q_cluster()
    own = [given.get("name", "default"), given.get("cluster_name")]
    names = sorted({str(name) for name in (*own, *_alternatives(given)) if name})
    if queue_name() is None or queue_name() in names:
        return []
    return [
        Error(
            "WAGTAIL_WEBHOOKS['QUEUE_NAME'] names a cluster that Q_CLUSTER does not know.",
            hint=f"Use one of {', '.join(names)}, add it to Q_CLUSTER['ALT_CLUSTERS'], or leave it "
            "out for the default cluster. Nobody would ever deliver.",
            id="wagtail_webhooks.E022",
        )
    ]


def check_sync(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    if settings.DEBUG or not cluster_options().get("sync"):
        return []
    return [
        Warning(
            "Q_CLUSTER['sync'] is on and DEBUG is off.",
            hint="Whoever sends a form would wait for every receiver. Take it out.",
            id="wagtail_webhooks.W020",
        )
    ]


def check_scheduler(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    if cluster_options().get("scheduler", True):
        return []
    return [
        Warning(
            "Q_CLUSTER['scheduler'] is off, so nothing picks up retries and what got lost.",
            hint='Turn it on, or keep "manage.py webhooks_drain --loop" running.',
            id="wagtail_webhooks.W021",
        )
    ]


def check_redis(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    cluster = cluster_options()
    # With django_redis the time-outs are that cache's.
    if broker(cluster) != "redis" or cluster.get("django_redis"):
        return []
    redis = cluster.get("redis", {})
    given = parse_qs(urlsplit(redis).query) if isinstance(redis, str) else redis
    missing = [name for name in ("socket_timeout", "socket_connect_timeout") if name not in given]
    if not missing:
        return []
    return [
        Warning(
            f"Q_CLUSTER['redis'] has no {' and no '.join(missing)}.",
            hint="A Redis that hangs would hang the cluster. Set socket_timeout=5 and "
            "socket_connect_timeout=2, as keys or in the URL's query.",
            id="wagtail_webhooks.W024",
        )
    ]


def check_guard_cycle(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    timeout, cycle = _task_timeout(), cluster_options().get("guard_cycle", 0.5)
    # q2 counts down in these steps and kills what hangs at exactly 0.
    if timeout is None or cycle <= 0 or (timeout + GUARD_MARGIN) % cycle == 0:
        return []
    return [
        Warning(
            "With this Q_CLUSTER['guard_cycle'] q2 never ends a worker that hangs.",
            hint=f"Set it to 0.5: it must divide {timeout + GUARD_MARGIN} without a remainder.",
            id="wagtail_webhooks.W025",
        )
    ]


def cluster_options() -> dict[str, Any]:
    """The options of the cluster that drains: q2's own, overlaid by those of QUEUE_NAME."""
    given = _q_cluster()
    return {**given, **(_alternatives(given).get(queue_name() or "") or {})}


def broker(cluster: dict[str, Any]) -> str:
    return next((name for name in BROKERS if cluster.get(name)), "redis")


def queue_name() -> str | None:
    return given_settings().get("QUEUE_NAME") or None


def _q_cluster() -> dict[str, Any]:
    given = getattr(settings, "Q_CLUSTER", None)
    return given if isinstance(given, dict) else {}


def _alternatives(given: dict[str, Any]) -> dict[str, Any]:
    alternatives = given.get("ALT_CLUSTERS")
    return alternatives if isinstance(alternatives, dict) else {}


def _task_timeout() -> int | None:
    """None: the setting is malformed, which another check says."""
    try:
        return queue.task_timeout()
    except (AttributeError, TypeError, ValueError, OverflowError):
        return None


CHECKS = (
    check_django_q,
    check_retry,
    check_patience_of_queue,
    check_queue_name,
    check_sync,
    check_scheduler,
    check_redis,
    check_guard_cycle,
)
