"""gunicorn: `gunicorn` in this folder serves wsgi:app. The settings come from the environment, see config.VARIABLES."""

import gc

from config import setting, whole_number

wsgi_app = "wsgi:app"
bind = f"{setting('HOST')}:{whole_number('PORT')}"
workers = whole_number("WEB_CONCURRENCY")
worker_class = "gthread"
threads = 4
# The application and its networks are loaded once, in the master; the workers share that memory.
preload_app = True
# A worker that gives no sign of life for this long is replaced; a request under way at a stop gets the second.
timeout = 60
graceful_timeout = 30
keepalive = 5
# No control socket: signals do, and a socket in the home folder would be shared by every server of the same user.
control_socket_disable = True
accesslog = "-"
# The path without its query: a search in the history holds a patient's name.
access_log_format = '%(h)s %(t)s "%(m)s %(U)s" %(s)s %(B)s %(M)sms'


def when_ready(server) -> None:
    """Before the workers fork: load the networks. One that is missing leaves the rest of Lumen at work."""
    import models

    _give_memory_back()
    models.load_networks()
    for task, reason in models.network_status().items():
        if reason:
            server.log.warning("The network of %s is not available: %s", task, reason)
    # What lives now lives as long as the server. The collector need not look at it again and again, for up to 0.1 s
    # each time, nor write to pages that the workers share.
    gc.collect()
    gc.freeze()


def post_fork(server, worker) -> None:
    """Connections to the database and decoders belong to one process: a worker drops what it inherited of the former,
    without closing it, and starts decoders of its own."""
    from app.extensions import db
    from app.services.decoders import start_decoders
    from wsgi import app

    with app.app_context():
        db.engine.dispose(close=False)
        start_decoders()


def _give_memory_back() -> None:
    """Keep glibc from holding on to the memory of a large image after it was decoded: blocks from 1 MiB on are mapped,
    and returned to the system when they are freed. Other C libraries have no mallopt, and no such habit."""
    import ctypes

    mmap_threshold = -3  # M_MMAP_THRESHOLD of <malloc.h>
    if mallopt := getattr(ctypes.CDLL(None), "mallopt", None):
        mallopt(mmap_threshold, 1024 * 1024)
