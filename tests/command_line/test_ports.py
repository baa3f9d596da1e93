import re
import socket

import pytest

from twintrain.command_line.ports import read_port
from twintrain.system.ports import HOST


def test_a_taken_port_is_refused_with_a_free_one(error_of):
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        taken.listen()
        port = taken.getsockname()[1]
        said = error_of(read_port, str(port))
    found = re.fullmatch(rf"port {port} cannot be had \(Address already in use\); a free one: --port (\d+)", said)
    assert read_port(found[1]) == int(found[1])
    assert read_port(str(port)) == port


@pytest.mark.parametrize("given", ["0", "65536", "five", "-1"])
def test_a_port_that_is_none_is_refused(error_of, given):
    assert error_of(read_port, given) == f"--port: expected a number from 1 to 65535, got '{given}'"


@pytest.mark.parametrize("given", ["", "''"])
def test_no_port_is_none(given):
    assert read_port(given) is None
