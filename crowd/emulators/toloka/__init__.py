"""The Toloka emulator: the platform's HTTP protocol over a market in memory. Free of Django."""

from crowd.emulators.toloka.clock import VirtualClock
from crowd.emulators.toloka.server import API_KEY, TOKEN, Served, TolokaEmulator

__all__ = ["API_KEY", "TOKEN", "Served", "TolokaEmulator", "VirtualClock"]
