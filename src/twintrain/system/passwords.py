"""Addresses of stores as they may be shown: without the passwords in them."""

import os
import re
import urllib.parse

VARIABLE = "MLFLOW_TRACKING_URI"


def without_password(address: str) -> str:
    """The address without the user and the password that it may hold, even one with letters that it must not have."""
    return address if driverless(address) == "sqlite" else re.sub(r"//.*@", "//…@", address, flags=re.DOTALL)


def without_passwords(text: str) -> str:
    """A text without the passwords of addresses in it."""
    given = os.environ.get(VARIABLE, "").rstrip("/")
    if given:
        text = text.replace(given, without_password(given))
    return re.sub(r"(?<=://)[^\s/'\"]*@", "…@", text)


def split_login(address: str) -> tuple[str, str]:
    """Divides the address of a server.

    Returns:
        the address without user and password, and USER:PASSWORD, which is empty where it has none.
    """
    parts = urllib.parse.urlsplit(address)
    login, _, host = parts.netloc.rpartition("@")
    return parts._replace(netloc=host).geturl(), urllib.parse.unquote(login)


def driverless(address: str) -> str:
    """The scheme of an address without a driver, as in mysql+pymysql://; empty of a path."""
    scheme, mark, _ = address.partition(":")
    return scheme.lower().partition("+")[0] if mark and "/" not in scheme else ""
