"""Citizens who fill in forms, each with a browser and an address of their own.

    python -m benchmarks.citizens SITE PATHS CITIZENS SECONDS THINK

Opens one of the forms (their paths, with commas), fills it in for about THINK seconds, sends it
and reads the confirmation; again and again, until SECONDS are over. Prints each ``Visit`` as JSON.
A process of its own, whose time is not the site's.
"""

from __future__ import annotations

import html
import json
import random
import re
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import Any

import requests


FORM = re.compile(r'<form[^>]*method="post".*?</form>', re.DOTALL)
HIDDEN = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)"')
REFERENCE = re.compile(r'class="opp-reference"[^>]*>\s*([^<]+?)\s*<')
ANSWERS = {
    "name": "Ana Ríos",
    "e_mail_address": "ana@example.org",
    "telephone": "020 7946 0000",
    "organisation": "Ríos & Daughters",
    "message": "We would like to insulate the roof and to put panels on it. " * 8,
}
#: Seconds after which a citizen gives up.
PATIENCE = 60


@dataclass
class Visit:
    """Statuses of the three answers, 0 where there was none; when the POST began and ended."""

    opened: int = 0
    sent: int = 0
    confirmed: int = 0
    began: float = 0.0
    ended: float = 0.0
    reference: str = ""


class Citizen:
    def __init__(self, number: int, site: str, path: str) -> None:
        self.number = number
        self.site = site
        self.path = path
        self.visits: list[Visit] = []

    def live(self, seconds: float, think: float) -> list[Visit]:
        """Not in step with the others."""
        until = time.monotonic() + seconds
        time.sleep(random.uniform(0, min(think, seconds)))
        while time.monotonic() < until:
            visit = Visit()
            self.visits.append(visit)
            try:
                self._visit(visit, think)
            except requests.RequestException as error:
                print(f"Citizen {self.number}: {error}", file=sys.stderr)
                time.sleep(1)
        return self.visits

    def _visit(self, visit: Visit, think: float) -> None:
        with requests.Session() as browser:
            # As many leads as a site takes of one address are soon sent.
            browser.headers["X-Forwarded-For"] = f"203.0.{self.number}.{len(self.visits)}"
            page = browser.get(self.site + self.path, timeout=PATIENCE)
            visit.opened = page.status_code
            form = FORM.search(page.text)
            if form is None:
                return
            time.sleep(random.uniform(think / 2, think * 3 / 2))
            fields = {name: html.unescape(value) for name, value in HIDDEN.findall(form[0])}
            visit.began = time.time()
            answer = self._send(browser, {**fields, **ANSWERS})
            visit.ended = time.time()
            visit.sent = answer.status_code
            if answer.status_code == 302:
                confirmation = browser.get(self.site + answer.headers["Location"], timeout=PATIENCE)
                visit.confirmed = confirmation.status_code
                found = REFERENCE.search(confirmation.text)
                visit.reference = found[1] if found else ""

    def _send(self, browser: requests.Session, data: dict[str, Any]) -> requests.Response:
        return browser.post(
            self.site + self.path,
            data=data,
            headers={"Referer": self.site + self.path},
            allow_redirects=False,
            timeout=PATIENCE,
        )


def live(site: str, paths: list[str], citizens: int, seconds: float, think: float) -> list[Visit]:
    people = [Citizen(number, site, paths[number % len(paths)]) for number in range(citizens)]
    with ThreadPoolExecutor(citizens) as threads:
        lives = threads.map(lambda person: person.live(seconds, think), people)
        return [visit for visits in lives for visit in visits]


if __name__ == "__main__":
    site, paths, citizens, seconds, think = sys.argv[1:]
    visits = live(site, paths.split(","), int(citizens), float(seconds), float(think))
    print(json.dumps([asdict(visit) for visit in visits]))
