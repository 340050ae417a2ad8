"""An MTurk in memory behind the service's own wire format; see docs/emulators.md.

Written after the service's model as botocore ships it and its documentation. The service itself is retired, therefore
nothing here could be compared with it.
"""

from crowd.emulators.mturk.clock import VirtualClock
from crowd.emulators.mturk.emulator import MTurkEmulator
from crowd.emulators.mturk.faults import Fault

__all__ = ["Fault", "MTurkEmulator", "VirtualClock"]
