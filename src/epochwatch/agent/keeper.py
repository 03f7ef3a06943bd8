"""The keeper: a fork of ``epochwatch run`` that is the training's parent and records what it prints."""

import contextlib
import ctypes
import mmap
import os
import signal
import struct
import sys
import termios
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from epochwatch.agent.channel import ChannelEnds
from epochwatch.agent.child import StandardStreams, Training, start
from epochwatch.agent.recorder import Companions, Handover, Recorder
from epochwatch.agent.spool import Lock, Spool

_PR_SET_CHILD_SUBREAPER = 36
_PID = struct.Struct("<q")


@dataclass(frozen=True, slots=True)
class Launch:
    """What to run, and where its output goes."""

    command: Sequence[str]
    environment: Mapping[str, str]
    streams: StandardStreams
    ends: tuple[ChannelEnds, ...]
    bell: tuple[int, int]
    terminal: int | None
    """Our own terminal, put back in order by the keeper when the front is killed."""


@dataclass(slots=True)
class Kept:
    """What the front knows after the start. ``handover.pid`` is 0 if the keeper died before the training began."""

    keeper_pid: int
    handover: Handover
    standby: Lock
    """Held by the front."""


def adopt_orphans() -> None:
    """Makes this process the parent of descendants whose parent is killed (Linux)."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def launch(spool: Spool, plan: Launch) -> Kept:
    """Forks the keeper, which starts the training. For a single-threaded process only.

    Afterwards this process stands by: it holds ``standby.lock``, the keeper holds ``run.lock``.
    """
    adopt_orphans()
    run, standby = spool.lock("run"), spool.lock("standby")
    run.take(wait=True)
    standby.take(wait=True)
    shared = mmap.mmap(-1, _PID.size)
    ready_read, ready_write = os.pipe()
    settings = _terminal_settings(plan.terminal)
    pid = os.fork()
    if pid == 0:
        try:
            standby.close()
            os.close(ready_read)
            _keep(spool, plan, shared, ready_write, settings)
        except BaseException:  # noqa: BLE001 (a fork must not run on into the parent's code)
            os._exit(1)
        finally:
            os._exit(0)
    run.close()
    os.close(ready_write)
    os.read(ready_read, 1)  # the keeper has started the training, or is dead
    os.close(ready_read)
    _close_training_ends(plan.streams)
    (training_pid,) = _PID.unpack(shared[: _PID.size])
    pidfd = Training(training_pid).pidfd if training_pid else None
    return Kept(pid, Handover(plan.ends, plan.bell, training_pid, pidfd), standby)


def _keep(spool: Spool, plan: Launch, shared: mmap.mmap, ready: int, settings: list[Any] | None) -> None:
    os.setsid()  # a key pressed in our terminal reaches the training once, through the front
    pid = start(plan.command, plan.streams, plan.environment)
    for ignored in _IGNORED:
        signal.signal(ignored, signal.SIG_IGN)
    shared[: _PID.size] = _PID.pack(pid)
    os.close(ready)
    _close_training_ends(plan.streams)
    terminal = None if plan.terminal is None else os.dup(plan.terminal)
    null = os.open(os.devnull, os.O_RDWR)
    for number in range(3):
        os.dup2(null, number)
    training = Training(pid)
    handover = Handover(plan.ends, plan.bell, pid, training.pidfd)
    companions = Companions(spool, handover, before=lambda: _restore(terminal, settings))
    companions.start(vacant="spare")
    Recorder(spool, handover).record()
    companions.stop()


_IGNORED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
"""Whoever stops the training means the training: what it still prints is recorded."""


def _close_training_ends(streams: StandardStreams) -> None:
    for end in {streams.stdout, streams.stderr}:
        os.close(end)


def _terminal_settings(terminal: int | None) -> list[Any] | None:
    if terminal is None:
        return None
    try:
        return termios.tcgetattr(terminal)
    except termios.error:
        return None


def _restore(terminal: int | None, settings: list[Any] | None) -> None:
    """Puts the user's terminal back in order when the front was killed while it had it in raw mode."""
    if terminal is not None and settings is not None:
        with contextlib.suppress(termios.error):
            termios.tcsetattr(terminal, termios.TCSANOW, settings)
