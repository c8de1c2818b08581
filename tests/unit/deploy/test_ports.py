"""Ports for what is about to be started."""

import socket

from deploy.ports import HOST, free_port, free_ports, is_free


def test_ports_that_are_asked_for_together_are_all_different() -> None:
    assert len(set(free_ports(200))) == 200


def test_a_port_is_free_until_somebody_listens_at_it() -> None:
    port = free_port()
    assert is_free(port)
    with socket.create_server((HOST, port)):
        assert not is_free(port)
