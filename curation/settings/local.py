"""One machine, plain HTTP on the loopback address: what `make run` and `./winnow` use."""

from .base import *
