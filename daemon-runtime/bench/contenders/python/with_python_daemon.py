"""The start of a daemon with python-daemon, which has had no other action since its runner was taken out of it."""

import os
import signal

import daemon
import daemon.pidfile

log = open(os.environ["BENCH_LOG"], "a")
pidfile = daemon.pidfile.PIDLockFile(os.environ["BENCH_PIDFILE"])
with daemon.DaemonContext(pidfile=pidfile, stdout=log, stderr=log):
    signal.pause()
