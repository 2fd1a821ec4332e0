# The service as it is installed: start, signals, limits, end. SPDX-License-Identifier: GPL-2.0-or-later
import grp
import json
import os
import re
import signal
import socket
import threading
import time
from pathlib import Path

from helpers import (CONFIG, PORT, UNIT, Failed, Load, active, alive, ask, check, configure, drop_in, journal, log_since,
                     main_pid, mi, named, now, processes, refuses_connections, run, show, systemctl, wait_until)

RUNTIME = Path("/run/opensips-httpd")


def serves():
    check(active() == "active" and show("SubState") == "running", "the service is active")
    check("listening on http://127.0.0.1:8888" in show("StatusText"), f"its status says: {show('StatusText')}")
    check(show("NotifyAccess") == "main" and show("Type") == "notify", "it has told systemd that it is ready")
    notices = journal(f"_SYSTEMD_UNIT={UNIT}", "PRIORITY=5")
    check(any("listening on " in entry["MESSAGE"] for entry in notices), "its notices have that priority in the journal")
    users = {run("ps", "-o", "user:32=", "-p", pid).strip() for pid in processes()}
    check(users == {"opensips-httpd"}, f"its {len(processes())} processes run as {', '.join(users)}")
    check(ask("/health/ready")[0] == 200, "/health/ready: 200")
    check("httpd_reload" in str(mi("which")["result"]), "/mi: which")
    check(ask("/console/")[0] == 200, "/console/: 200")
    metrics = ask("/metrics")[1]
    for name in ("process_open_fds", "process_max_fds", "process_start_time_seconds", "process_resident_memory_bytes"):
        shown = set(re.findall(rf'^(?:httpd_)?{name}{{process="([^"]+)"', metrics, re.M))
        check(len(shown) == len(processes()), f"/metrics: {name} of {len(shown)} processes")


def _fifo_as(user):
    """A command over the FIFO, as opensips-cli gives it."""
    script = """
import os, select, sys
reply = "/run/opensips-httpd/replies/reply_%d" % os.getpid()
os.mkfifo(reply)
os.chmod(reply, 0o666)
try:
    descriptor = os.open(reply, os.O_RDONLY | os.O_NONBLOCK)
    with open("/run/opensips-httpd/fifo", "w") as fifo:
        fifo.write(':%s:{"jsonrpc":"2.0","method":"uptime","id":1}' % os.path.basename(reply))
    poller = select.poll()
    poller.register(descriptor, select.POLLIN)
    poller.poll(5000)
    print(os.read(descriptor, 4096).decode())
finally:
    os.unlink(reply)
"""
    return run("setpriv", "--reuid", user, "--regid", user, "--init-groups", "python3", "-c", script, fails=True)


def fifo():
    for user, groups in (("manager", "opensips-httpd"), ("stranger", "")):
        run("useradd", "--no-create-home", "--user-group", "--groups", groups, user)
    check('"Up time"' in _fifo_as("root"), "the FIFO serves root")
    check('"Up time"' in _fifo_as("manager"), "the FIFO serves a member of the group")
    check(_fifo_as("stranger") == "", "and not others")
    replies = RUNTIME / "replies"
    check((replies.stat().st_mode & 0o7777, grp.getgrgid(replies.stat().st_gid).gr_name) == (0o1770, "opensips-httpd"),
          "the folder of the reply FIFOs is the group's")


def hardening():
    text = run("systemd-analyze", "--no-pager", "security", "opensips-httpd")
    exposure = float(re.search(r"Overall exposure level for \S+: ([\d.]+)", text)[1])
    check(exposure < 2.5, f"systemd-analyze security: {exposure}")
    for pid in processes():
        status = dict(re.findall(r"^(\w+):\s+(.*)$", Path(f"/proc/{pid}/status").read_text(), re.M))
        privileges = [status[name] for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")]
        if (set(privileges), status["NoNewPrivs"], status["Seccomp"]) != ({"0" * 16}, "1", "2"):
            raise Failed(f"process {pid}: {privileges}, NoNewPrivs {status['NoNewPrivs']}, Seccomp {status['Seccomp']}")
    check(True, "no process has a capability, or a way to one, and system calls are filtered")
    inside = run("nsenter", "--mount", f"--target={main_pid()}", "sh", "-c",
                 "for d in / /etc /usr /var /home /var/log/opensips-httpd /run/opensips-httpd /tmp; do "
                 "touch $d/probe 2>/dev/null && echo $d && rm $d/probe; done", fails=True).split()
    check(inside == ["/var/log/opensips-httpd", "/run/opensips-httpd", "/tmp"], f"folders that can be written to: {inside}")


def reload():
    pid = main_pid()
    moment = now()
    configure('modparam("httpd", "conn_timeout", 11)')
    systemctl("reload", "opensips-httpd")
    wait_until(lambda: "conn_timeout 30 -> 11" in log_since(moment), "the configuration was not read again")
    check(active() == "active" and main_pid() == pid, "systemctl reload: a new value holds, the process is the same")
    configure('modparam("httpd", "conn_timeout", -1)')
    systemctl("reload", "opensips-httpd")
    wait_until(lambda: "configuration not read again" in log_since(moment), "nothing about a bad configuration in the log")
    wait_until(lambda: "the last reload failed" in show("StatusText"), f"the status does not tell of it: {show('StatusText')}")
    check(active() == "active" and ask("/health/ready")[0] == 200, f"a bad one changes nothing; status: {show('StatusText')}")
    configure()
    systemctl("reload", "opensips-httpd")
    wait_until(lambda: "listening on" in show("StatusText"), f"the status stays bad: {show('StatusText')}")


def upgrade():
    old = main_pid()
    configure('modparam("httpd", "workers", 2)')
    with Load(kept=3) as load:
        systemctl("kill", "--kill-whom=main", "--signal=USR2", "opensips-httpd")
        wait_until(lambda: main_pid() not in (0, old), "MainPID= stays the old one")
        new = main_pid()
        wait_until(lambda: not alive(old), "the old process stays", 20)
        time.sleep(1)
    load.check_none_lost(f"SIGUSR2: MainPID {old} -> {new}")
    check(active() == "active" and main_pid() == new and show("NRestarts") == "0", "systemd goes on with the new one")
    check(len(named("HTTPD worker")) == 2, "which has what the configuration says now: two handler processes")
    moment = now()
    systemctl("reload", "opensips-httpd")
    wait_until(lambda: "configuration read again" in log_since(moment), "the new one does not hear of systemctl reload")
    check('"Up time"' in _fifo_as("manager"), "systemctl reload reaches it, and so does the FIFO")
    configure('modparam("httpd", "ip", "203.0.113.1")', without=('"ip"',))
    moment, pid = now(), main_pid()
    systemctl("kill", "--kill-whom=main", "--signal=USR2", "opensips-httpd")
    wait_until(lambda: "goes on" in log_since(moment), "no word of a failed upgrade")
    check(active() == "active" and main_pid() == pid and ask("/health/ready")[0] == 200,
          "an upgrade to a configuration that cannot start leaves the old one in service")
    configure()


def crash():
    pid = main_pid()
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: main_pid() not in (0, pid) and active() == "active", "not started again")
    check(show("NRestarts") == "1" and ask("/health/ready")[0] == 200, "kill -9 of the main process: started again")
    check('"Up time"' in _fifo_as("manager"), "with its FIFO")
    others, main = named("HTTPD "), main_pid()
    for other in others:
        os.kill(other, signal.SIGKILL)
    wait_until(lambda: others.isdisjoint(processes()) and named("HTTPD "), "the HTTPD process does not come back")
    check(ask("/health/ready")[0] == 200 and (main_pid(), active(), show("NRestarts")) == (main, "active", "1"),
          "kill -9 of another: the attendant starts it again, and the service goes on")


def stop():
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "uptime"}).encode()
    with socket.create_connection(("127.0.0.1", PORT), 30) as client:
        client.sendall(b"POST /mi HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                       + f"Content-Length: {len(body)}\r\n\r\n".encode() + body[:10])
        time.sleep(0.2)
        stopping = threading.Thread(target=systemctl, args=("stop", "opensips-httpd"))
        stopping.start()
        wait_until(refuses_connections, "new connections are taken while the service ends")
        state = active()
        client.sendall(body[10:])
        reply = b""
        while data := client.recv(65536):
            reply += data
        stopping.join()
    check(state == "deactivating" and reply.startswith(b"HTTP/1.1 200 ") and b"Up time" in reply,
          "systemctl stop: a request in progress is answered, new connections are refused meanwhile")
    check((active(), show("Result"), show("ExecMainStatus")) == ("inactive", "success", "0"), "the end is an orderly one")
    run("opensips-httpd", "-c")
    check(True, "-c works while the service is stopped")
    systemctl("start", "opensips-httpd")
    check(ask("/health/ready")[0] == 200, "systemctl start: it serves when the command returns")
    began = time.monotonic()
    systemctl("restart", "opensips-httpd")
    check(ask("/health/ready")[0] == 200, f"systemctl restart: {time.monotonic() - began:.1f} s")


def allowed_calls():
    """What the filter refuses with an error is deadly here, so that nothing can have hidden behind that."""
    drop_in("[Service]\nSystemCallErrorNumber=kill\n")
    configure('modparam("httpd", "workers", 2)', 'modparam("httpd", "access_log", "syslog")',
              'modparam("httpd", "listen", "unix:/run/opensips-httpd/httpd.sock?mode=660&group=opensips-httpd")',
              'modparam("mi_fifo", "fifo_group", "opensips-httpd")', 'modparam("httpd", "compress", "metrics")')
    systemctl("restart", "opensips-httpd")
    moment, before = now(), processes()
    with Load(kept=3) as load:
        check('"Up time"' in _fifo_as("manager"), "with refused system calls deadly: the FIFO")
        check("200" in run("curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "--compressed", "--unix-socket",
                           RUNTIME / "httpd.sock", "http://localhost/metrics"), "a Unix socket of the group, compression")
        check(len(json.dumps(mi("list_statistics"))) > 1000, "handler processes")
        systemctl("reload", "opensips-httpd")
        time.sleep(1)
        same = before == processes()
        old = main_pid()
        systemctl("kill", "--kill-whom=main", "--signal=USR2", "opensips-httpd")
        wait_until(lambda: main_pid() not in (0, old) and not alive(old), "no upgrade", 20)
    load.check_none_lost("requests, a reload and an upgrade")
    systemctl("restart", "opensips-httpd")
    check(same, "no process died")
    refused = [line for line in run("dmesg", fails=True).splitlines() if "type=1326" in line]
    told = [line for line in log_since(moment).splitlines() if "SIGSYS" in line or "signal 31" in line]
    check(not refused + told, "no process made a call that the filter refuses" if not refused + told else
          f"refused system calls: {refused + told}")
    drop_in(None)
    configure()
    systemctl("restart", "opensips-httpd")


def privileged_port():
    configure('modparam("httpd", "listen", "http://127.0.0.1:80")')
    systemctl("restart", "opensips-httpd", fails=True)
    check(active() != "active", "a port below 1024 cannot be had")
    systemctl("stop", "opensips-httpd")
    systemctl("reset-failed", "opensips-httpd", fails=True)
    drop_in("[Service]\nCapabilityBoundingSet=CAP_NET_BIND_SERVICE\nAmbientCapabilities=CAP_NET_BIND_SERVICE\n")
    systemctl("restart", "opensips-httpd")
    check(ask("/health/ready", port=80)[0] == 200, "with the drop-in of opensips-httpd(8) it can")
    shown = set(re.findall(r'^(?:httpd_)?process_open_fds{process="([^"]+)"', ask("/metrics")[1], re.M))
    check(len(shown) == len(processes()), "and the metrics of all processes are there")
    drop_in(None)
    configure()
    systemctl("restart", "opensips-httpd")


def credentials():
    key, certificate = Path("/etc/ssl/private/httpd.key"), CONFIG.parent / "httpd.pem"
    run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-out",
        certificate, "-subj", "/CN=localhost", "-days", "2")
    key.chmod(0o600)
    configure('modparam("httpd", "listen", "https://127.0.0.1:8443")',
              f'modparam("httpd", "tls_cert_file", "{certificate}")',
              'modparam("httpd", "tls_key_file", "/run/credentials/opensips-httpd.service/httpd.key")',
              'modparam("httpd", "tls_ciphers", "SECURE128:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2")', without=('"ip"', '"port"'))
    drop_in(f"[Service]\nLoadCredential=httpd.key:{key}\n")
    systemctl("restart", "opensips-httpd")
    code = run("curl", "-ks", "-o", "/dev/null", "-w", "%{http_code}", "https://localhost:8443/health/ready")
    check(code == "200", "HTTPS with a key that only root may read, by LoadCredential=")
    old = main_pid()
    systemctl("kill", "--kill-whom=main", "--signal=USR2", "opensips-httpd")
    wait_until(lambda: main_pid() not in (0, old) and not alive(old), "no upgrade", 20)
    code = run("curl", "-ks", "-o", "/dev/null", "-w", "%{http_code}", "https://localhost:8443/health/ready")
    check(code == "200", "and so after an upgrade")
    drop_in(None)
    configure()
    systemctl("restart", "opensips-httpd")
