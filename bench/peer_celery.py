"""The peer of bench/pipeline.py: the same Bell task as a Celery task on the same Redis.

Settings as careful as Celery allows: acknowledged after the work, results kept in Redis.
"""

import os
import random

import celery

URL = os.environ["REDIS_URL"] + "/1"

app = celery.Celery("peer_celery", broker=URL, backend=URL)
app.conf.update(
    task_acks_late=True,
    worker_prefetch_multiplier=64,
    result_expires=600,
    worker_hijack_root_logger=False,
    broker_connection_retry_on_startup=True,
)


@app.task
def bell(shots):
    ones = sum(random.random() < 0.5 for _ in range(shots))
    return {"00": shots - ones, "11": ones}
