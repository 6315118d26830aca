"""The audio process's threads ask the system for a real-time priority, and do without where it grants none."""

import json
import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="threads have a class of their own on Linux alone")

TOLD = """
import json, os, threading
if {forbidden}:
    os.sched_setscheduler = lambda *_: (_ for _ in ()).throw(PermissionError(1, "not permitted"))
from arc_instrument.audio.priority import run_before_others

def kind():
    return os.sched_getscheduler(threading.get_native_id()), os.sched_getparam(threading.get_native_id()).sched_priority

go, kinds = threading.Event(), []
earlier = threading.Thread(target=lambda: (go.wait(), kinds.append(kind())))
earlier.start()
run_before_others()
later = threading.Thread(target=lambda: kinds.append(kind()))
later.start(); later.join()
go.set(); earlier.join()
print(json.dumps(kinds + [kind()]))
"""
PROBE = "import os; os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))"


def told(*, forbidden: bool) -> list[list[int]]:
    command = [sys.executable, "-c", TOLD.format(forbidden=forbidden)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    return json.loads(done.stdout)


def test_threads_there_are_and_those_that_come_run_before_other_programs_where_the_system_grants_it():
    is_granted = subprocess.run([sys.executable, "-c", PROBE], capture_output=True, check=False).returncode == 0
    assert told(forbidden=False) == [[os.SCHED_RR, 1] if is_granted else [os.SCHED_OTHER, 0]] * 3


def test_where_the_system_grants_none_everything_stays_as_it_was():
    assert told(forbidden=True) == [[os.SCHED_OTHER, 0]] * 3
