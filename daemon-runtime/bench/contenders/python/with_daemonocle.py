"""What the limit does, with daemonocle."""

import os
import sys
import threading

import daemonocle


def worker():
    if "BENCH_FAILS" in os.environ:
        raise RuntimeError("no such luck")
    threading.Event().wait()


daemonocle.Daemon(
    name="daemonocle",
    worker=worker,
    pid_file=os.environ["BENCH_PIDFILE"],
    stdout_file=os.environ["BENCH_LOG"],
    stderr_file=os.environ["BENCH_LOG"],
).do_action(sys.argv[1])
