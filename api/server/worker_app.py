"""The app as a worker process runs it; uvicorn finds the factories by their names."""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
import sys
import threading
from typing import Any

from api.server.log_format import configure_logging


def app() -> Any:
    """The app by the environment's settings."""
    from api.app import create_app  # after PROMETHEUS_MULTIPROC_DIR is set

    _set_up_process()
    return create_app()


def demo_app() -> Any:
    """The same, with the demo's pages."""
    from api.app import create_app
    from api.demo_pages.routes import demo_routes

    _set_up_process()
    return create_app(more_routes=demo_routes())


def _set_up_process() -> None:
    """Spare the garbage collector what is loaded; log and stop with the parent process.

    A worker without its parent would never be restarted or stopped. With one worker there is no
    parent: this process is the service.
    """
    # Modules stay loaded: without this, walking through them is what the slowest responses wait
    # for.
    gc.collect()
    gc.freeze()
    # While a thread checks a long document, requests wait so long for their turn, not 5 ms.
    sys.setswitchinterval(0.0005)
    parent = multiprocessing.parent_process()
    if parent is None:
        return
    configure_logging()

    def stop_with_parent() -> None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=stop_with_parent, name="parent", daemon=True).start()
