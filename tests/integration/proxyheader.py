# Headers of the PROXY protocol, as proxies write them. SPDX-License-Identifier: GPL-2.0-or-later
import socket
import struct

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"


def line(client, client_port=4711, server=None, server_port=8888):
    """Version 1."""
    server = server or ("::1" if ":" in client else "127.0.0.1")
    family = "TCP6" if ":" in client else "TCP4"
    return f"PROXY {family} {client} {server} {client_port} {server_port}\r\n".encode()


def binary(client, client_port=4711, server=None, server_port=8888, triples=b""):
    """Version 2."""
    family, code = (socket.AF_INET6, 0x21) if ":" in client else (socket.AF_INET, 0x11)
    server = server or ("::1" if ":" in client else "127.0.0.1")
    addresses = socket.inet_pton(family, client) + socket.inet_pton(family, server)
    return command(0x21, code, addresses + struct.pack("!HH", client_port, server_port) + triples)


def command(code, family, rest):
    return SIGNATURE + bytes([code, family]) + struct.pack("!H", len(rest)) + rest
