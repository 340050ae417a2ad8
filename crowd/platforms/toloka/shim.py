"""What toloka-kit 1.2.3 misses in newer libraries, put in place before its first import.

The kit is unmaintained and our requirements pin what it works with; images drift all the same. Only what is missing is
patched, and a library that is not there is left to the kit to complain about.
"""

import ssl
import sys
import warnings
from importlib import import_module, metadata
from importlib.util import find_spec
from types import ModuleType, SimpleNamespace
from typing import Any

PACKAGE_NOTICE = "pkg_resources is deprecated"


def install() -> None:
    """Make `import toloka` work; may be called any number of times."""
    _name_verify_types()
    _stand_in_for_pkg_resources()
    _give_back_enum_unstructuring()


def kit() -> Any:
    """Return the package `toloka.client`, imported on first use: that takes a second."""
    install()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=PACKAGE_NOTICE)
        return import_module("toloka.client")


def _name_verify_types() -> None:
    """Httpx 0.28 dropped a name the kit imports."""
    types = import_module("httpx._types")
    if not hasattr(types, "VerifyTypes"):
        vars(types)["VerifyTypes"] = str | bool | ssl.SSLContext


def _stand_in_for_pkg_resources() -> None:
    """Setuptools 82 dropped the module from which the kit reads one version."""
    if "pkg_resources" in sys.modules or find_spec("pkg_resources") is not None:
        return
    module = ModuleType("pkg_resources")
    vars(module)["get_distribution"] = lambda name: SimpleNamespace(version=metadata.version(name))
    sys.modules["pkg_resources"] = module


def _give_back_enum_unstructuring() -> None:
    """Cattrs 26 dropped a method the kit registers as a hook."""
    converter = import_module("cattr").converters.BaseConverter
    if not hasattr(converter, "_unstructure_enum"):
        converter._unstructure_enum = lambda _self, member: member.value
