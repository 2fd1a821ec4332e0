#!/usr/bin/python3
# Stands in for opensips-cli, which Debian has no package of, where documents call it and it is not installed: its options
# -f, -o and -x, its settings file, the requests that it sends, and the form in which it prints results.
# SPDX-License-Identifier: GPL-2.0-or-later
import argparse
import configparser
import json
import os
import sys
import urllib.request
from pathlib import Path

# Commands whose parameter is one array, as opensips-cli has them.
ARRAYS = {"get_statistics", "list_statistics", "reset_statistics"}


def settings(arguments):
    read = configparser.ConfigParser()
    read.read([arguments.f or Path.home() / ".opensips-cli.cfg"])
    found = {"communication_type": "fifo", "fifo_file": "/tmp/opensips_fifo", "fifo_reply_dir": "/tmp"}
    found |= dict(read["default"]) if "default" in read else {}
    return found | dict(option.split("=", 1) for option in arguments.o)


def over_http(chosen, call):
    asked = urllib.request.Request(chosen["url"], call.encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(asked, timeout=10) as reply:
        return reply.read()


def over_fifo(chosen, call):
    reply = Path(chosen["fifo_reply_dir"]) / f"opensips_cli_reply_{os.getpid()}"
    os.mkfifo(reply)
    reply.chmod(0o666)
    try:
        with open(chosen["fifo_file"], "w", encoding="utf-8") as fifo:
            fifo.write(f":{reply.name}:{call}")
        return reply.read_bytes()
    finally:
        reply.unlink()


def execute(chosen, method, params):
    call = json.dumps({"jsonrpc": "2.0", "id": "1", "method": method, "params": params})
    answer = json.loads({"http": over_http, "fifo": over_fifo}[chosen["communication_type"]](chosen, call))
    if "error" in answer:
        sys.exit(f"ERROR: command '{method}' returned: {answer['error']}")
    return answer["result"]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("-f")
    parser.add_argument("-o", action="append", default=[])
    parser.add_argument("-x", action="store_true", required=True)
    parser.add_argument("module", choices=["mi"])
    parser.add_argument("command")
    parser.add_argument("parameters", nargs="*")
    arguments = parser.parse_args()
    chosen = settings(arguments)
    if arguments.command not in execute(chosen, "which", []):
        sys.exit(f"ERROR: unknown command '{arguments.command}' in module 'mi'")
    values = [arguments.parameters] if arguments.command in ARRAYS and arguments.parameters else arguments.parameters
    print(json.dumps(execute(chosen, arguments.command, values), indent=4))


main()
