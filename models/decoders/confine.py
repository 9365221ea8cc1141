"""What a decoding process gives up before it sees the bytes of a stranger."""

import ctypes
import os
import resource
import time

_PR_SET_NO_NEW_PRIVS = 38
_CLONE_NEWUSER, _CLONE_NEWNET = 0x10000000, 0x40000000
_FIRST_FREE_DESCRIPTOR = 3  # behind the pipes and the log


def confine(memory_bytes: int) -> None:
    """Open nothing from here on, neither file nor socket; hold no more memory than this; gain no rights; leave no core.

    `memory_bytes`: of address space. That no descriptor can be opened is what keeps the process off the network; where
    the system allows it, it also leaves the network for one without any interface. Raises OSError where rights cannot
    be given up, ValueError where a lower limit on memory holds already.
    """
    os.closerange(_FIRST_FREE_DESCRIPTOR, os.sysconf("SC_OPEN_MAX"))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl")
    if libc.unshare(_CLONE_NEWNET):
        libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET)
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_FSIZE, 0)
    _limit(resource.RLIMIT_AS, memory_bytes)
    _limit(resource.RLIMIT_NOFILE, _FIRST_FREE_DESCRIPTOR)


def allow_cpu(seconds: float) -> None:
    """From here on the process may compute for so long, with a second of grace; then the system ends it."""
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (int(time.process_time() + seconds) + 1, hard))


def _limit(kind: int, value: int) -> None:
    resource.setrlimit(kind, (value, value))
