"""The backend of the example: tide heights as JSON."""

import datetime
import math

from flask import Flask, jsonify

PERIOD = datetime.timedelta(hours=12.42)
EPOCH = datetime.datetime(2000, 1, 1, tzinfo=datetime.timezone.utc)

application = Flask(__name__)


def turning_points(start: datetime.datetime, count: int) -> list[dict]:
    """The next `count` high and low waters from `start` on."""
    half = PERIOD / 2
    first = math.ceil((start - EPOCH) / half)
    return [
        {"time": (EPOCH + half * number).isoformat(), "height": 0.6 if number % 2 else 3.1}
        for number in range(first, first + count)
    ]


@application.get("/api/tides")
def tides():
    return jsonify(tides=turning_points(datetime.datetime.now(datetime.timezone.utc), 12))


@application.get("/health")
def health():
    return "ok\n"
