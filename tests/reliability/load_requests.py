# The mixed requests: each kind with what it must be answered, and what the server's own statistics must say of it.
# SPDX-License-Identifier: GPL-2.0-or-later
import json
import re
from dataclasses import dataclass

from load_common import LARGE_FILE, PAGE, PAGE_FILE

PATTERN = b"0123456789abcdefghijklmnopqrstuvwxyz\n"  # as in cpp_probe.cpp and capi_probe.c
LARGE, STREAM = 100_000, 30_000
TEXT = "Content-Type: text/plain"
BOUNDARY = "----load"


@dataclass(frozen=True)
class Kind:
    """One kind of request. `make(id)` gives the message and the body that must come back."""
    name: str
    make: object
    status: int = 200
    weight: int = 10
    head: bool = False      # a reply without its body
    counted: bool = True    # as a request with a well-formed header section
    closes: bool = False    # the server ends the connection with it
    shape: object = None    # where the body is not known byte by byte: an expression that must match the whole of it


def message(method, target, *fields, body=b"", length=True, version="1.1", host="Host: localhost"):
    lines = [f"{method} {target} HTTP/{version}", *([host] if host else []), *fields]
    if length and (body or method in ("POST", "PUT")):
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def chunks(body, size=7):
    pieces = [body[start : start + size] for start in range(0, len(body), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


def pattern(size):
    return (PATTERN * (size // len(PATTERN) + 1))[:size]


def described(method, number, media_type="", size=0, arguments=()):
    """What /describe answers."""
    lines = [f"method={method}", "head=0", f"target=/describe/{number}", "root=describe", f"path=/{number}", "query=",
             "host=localhost", "probe=(none)", f"type={media_type}", *(f"argument={pair}" for pair in arguments),
             f"size={size}", ""]
    return "\n".join(lines).encode()


def body_of(number):
    return b"the body of request %d " % number * (1 + number % 9)


def echo(number):
    body = body_of(number)
    return message("POST", "/hello-cpp", TEXT, body=body), body


def echo_chunked(number):
    body = body_of(number)
    return message("POST", "/hello-cpp", TEXT, "Transfer-Encoding: chunked", body=chunks(body), length=False), body


def put(number):
    body = body_of(number)
    return message("PUT", f"/describe/{number}", TEXT, body=body), described("PUT", number, "text/plain", len(body))


def put_chunked(number):
    body = body_of(number)
    return (message("PUT", f"/describe/{number}", TEXT, "Transfer-Encoding: chunked", body=chunks(body, 50),
                    length=False), described("PUT", number, "text/plain", len(body)))


FORM_TYPE, PARTS_TYPE = "application/x-www-form-urlencoded", "multipart/form-data"


def form(number):
    body = b"a=%d&b=two+words&c=%%41" % number
    return (message("POST", f"/describe/{number}", f"Content-Type: {FORM_TYPE}", body=body),
            described("POST", number, FORM_TYPE, len(body), (f"a:{number}", "b:two words", "c:A")))


def multipart_body(*parts):
    return b"".join(b"--%s\r\nContent-Disposition: form-data; %s\r\n\r\n%s\r\n" % (BOUNDARY.encode(), what, value)
                    for what, value in parts) + b"--%s--\r\n" % BOUNDARY.encode()


def multipart(number):
    body = multipart_body((b'name="a"', b"%d" % number), (b'name="b"', b"two words"))
    return (message("POST", f"/describe/{number}", f"Content-Type: {PARTS_TYPE}; boundary={BOUNDARY}", body=body),
            described("POST", number, PARTS_TYPE, len(body), (f"a:{number}", "b:two words")))


def upload(number):
    body = multipart_body((b'name="a"; filename="%d"' % number, b"a file"))
    return (message("POST", "/describe", f"Content-Type: {PARTS_TYPE}; boundary={BOUNDARY}", body=body),
            b"Forms with files are not accepted\n")


def command(number):
    """A management command; of the reply the id is checked, and that it has a result."""
    body = json.dumps({"jsonrpc": "2.0", "method": "version", "id": number}).encode()
    return message("POST", "/mi", "Content-Type: application/json", body=body), b"%d" % number


def fixed(text, sentence):
    """A request that is the same each time."""
    answer = sentence if isinstance(sentence, bytes) else (sentence + "\n").encode()
    return lambda number: (text, answer)


GOOD = [
    Kind("GET, C++ handler", lambda n: (message("GET", f"/hello-cpp?name={n}"), b"Hello, %d!\n" % n), weight=40),
    Kind("GET, C handler", lambda n: (message("GET", f"/hello?name={n}"), b"Hello, %d!\n" % n), weight=20),
    Kind("HEAD", lambda n: (message("HEAD", f"/hello-cpp?name={n}"), b"Hello, %d!\n" % n), head=True),
    Kind("POST", echo, weight=20),
    Kind("POST, chunked", echo_chunked),
    Kind("PUT", put, weight=15),
    Kind("PUT, chunked", put_chunked, weight=5),
    Kind("DELETE", lambda n: (message("DELETE", f"/describe/{n}"), described("DELETE", n))),
    Kind("POST, form", form),
    Kind("POST, multipart", multipart),
    Kind("POST, JSON-RPC", command, shape=rb'\{"jsonrpc":"2\.0","result":\{"Server":"[^"]+"\},"id":(\d+)\}'),
    Kind("GET, a file", fixed(message("GET", f"/files/{PAGE_FILE}"), PAGE), weight=2),
    Kind("GET, a part of a file", lambda n: (message("GET", f"/files/{PAGE_FILE}", f"Range: bytes={n % 900}-999"),
                                             PAGE[n % 900 : 1000]), status=206, weight=3),
    Kind("GET, 100 KB", fixed(message("GET", f"/large/{LARGE}"), pattern(LARGE)), weight=1),
    Kind("GET, a stream", fixed(message("GET", f"/probe-stream/{STREAM}"), pattern(STREAM)), weight=1),
]

# Refused, and the connection goes on.
BAD = [
    Kind("404", lambda n: (message("GET", f"/nowhere/{n}"), b"Nothing is served under this path\n"), 404),
    Kind("405", fixed(message("DELETE", "/hello-cpp"), "The method is not allowed for this path"), 405),
    Kind("415", upload, 415, weight=3),
    Kind("501", fixed(message("BREW", "/hello-cpp"), "The method is not known"), 501, weight=3),
]

# Refused, and the connection is closed.
FATAL = [
    Kind("400, no Host", fixed(message("GET", "/hello-cpp", host=""), "The Host field is missing"), 400,
         counted=False),
    Kind("400, a malformed field", fixed(message("GET", "/hello-cpp", "bad field: x"), "A header field is malformed"),
         400, counted=False),
    Kind("400, a malformed chunk", fixed(message("POST", "/hello-cpp", TEXT, "Transfer-Encoding: chunked",
                                                 body=b"5\r\nhello\r\nxyz\r\n", length=False),
                                         "The chunked body is malformed"), 400),
    Kind("413", fixed(message("POST", "/hello-cpp", TEXT, body=b"x" * 2000), "The request body is too large"), 413),
    Kind("414", fixed(message("GET", "/hello-cpp?name=" + "x" * 9000), "The request target is too long"), 414,
         counted=False),
    Kind("431", fixed(message("GET", "/hello-cpp", *(f"X-{n}: {'x' * 1000}" for n in range(17))),
                      "The request header is too large"), 431, counted=False),
    Kind("505", fixed(message("GET", "/hello-cpp", version="2.0"), "The HTTP version is not supported"), 505,
         counted=False),
]

# What clients do that do not stay for the reply, or finish sending; see load_mixed_client.py.
ABORTED = {
    "reset in the head": Kind("reset in the head", None, counted=False),
    "reset in the body": Kind("reset in the body", None, status=0),
    "reset in the reply, memory": Kind("reset in the reply, memory", None),
    "reset in the reply, file": Kind("reset in the reply, file", None),
    "end of sending behind the request": Kind("end of sending behind the request", None),
    "end of sending in the head": Kind("end of sending in the head", None, status=400, counted=False),
    "end of sending in the body": Kind("end of sending in the body", None, status=400),
}
# No reply is begun for the first two.
UNANSWERED = ("reset in the head", "reset in the body")

LONG_MEMORY = message("GET", "/large/3000000")
LONG_FILE = message("GET", f"/files/{LARGE_FILE}")

KINDS = {kind.name: kind for kind in (*GOOD, *BAD, *FATAL, *ABORTED.values())}


def right(kind, status, body, length, expected):
    """Whether a reply is the one that this request must have. `length` is its Content-Length, or None."""
    if status != kind.status:
        return False
    if kind.head:
        return body == b"" and length == len(expected)
    if kind.shape is None:
        return body == expected
    found = re.fullmatch(kind.shape, body)
    return bool(found) and found[1] == expected


def expected_statistics(counts):
    """What the server must have counted for so many requests of each kind."""
    expected = {"requests": 0, "replies_2xx": 0, "replies_4xx": 0, "replies_5xx": 0}
    for name, count in counts.items():
        kind = KINDS[name]
        expected["requests"] += count * kind.counted
        if name not in UNANSWERED:
            expected[f"replies_{kind.status // 100}xx"] += count
    return expected
