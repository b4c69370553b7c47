"""Where a deployment goes into a local cloud, which runs the functions here: pack them for this machine."""

from __future__ import annotations

import ipaddress
import platform
import sys
from collections.abc import Mapping
from typing import get_args
from urllib.parse import urlsplit

from infra.settings import PythonVersion

_ARCHITECTURES = {"x86_64": "x86_64", "AMD64": "x86_64", "aarch64": "arm64", "arm64": "arm64"}


def defaults(variables: Mapping[str, str]) -> dict[str, str]:
    """Return the `python_version` and `architecture` of this machine if `variables` point the SDKs at it.

    Return an empty dict if they do not, or if Lambda has no such Python or architecture.
    """
    python, architecture = f"3.{sys.version_info.minor}", _ARCHITECTURES.get(platform.machine())
    if not _is_loopback(variables.get("AWS_ENDPOINT_URL", "")) or architecture is None:
        return {}
    return {"python_version": python, "architecture": architecture} if python in get_args(PythonVersion) else {}


def _is_loopback(url: str) -> bool:
    try:
        host = urlsplit(url).hostname or ""
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
