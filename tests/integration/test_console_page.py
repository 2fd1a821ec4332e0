# The console's page in a real browser: what it shows, how it is used, and what it does when the server goes.
# SPDX-License-Identifier: GPL-2.0-or-later
import datetime
import re

import certificates
import daemon
import page
import pytest
import rawhttp
from consolepage import MODULES, TOO_MANY, Console, Load, send_requests, serve
from waiting import wait_until

pytestmark = page.installed

HOSTILE = "/<img/src=x/onerror=window.hostile=1>"
NARROW = {"viewport": {"width": 360, "height": 740}, "isMobile": True, "hasTouch": True}


@pytest.fixture(scope="module")
def browser():
    with page.Browser() as started:
        yield started


@pytest.fixture
def console(browser, start):
    """The page of a server of its own, which has begun to follow."""
    opened = Console(browser, serve(start))
    opened.wait_state("live")
    return opened


def seconds(age):
    """An age such as "1.5 s" or "2 min 3 s"."""
    units = {"s": 1, "min": 60, "h": 3600}
    return sum(float(number) * units[unit] for number, unit in re.findall(r"([\d.]+) (\w+)", age))


def test_the_page_follows_without_a_word_of_trouble(browser, start):
    server = serve(start)
    console = Console(browser, server)
    console.wait_state("live")
    console.wait_number("httpd:open_connections", lambda text: int(text) >= 1)
    console.wait_row("requests", lambda row: row[:2] == ["console", "GET /console/events HTTP/1.1"])
    console.page.wait_for("document.querySelectorAll('.plot canvas').length >= 2")
    assert console.errors() == []
    assert console.page.evaluate("document.querySelector('#reload').hidden"), "it is the server's own page"
    assert console.page.evaluate("document.title") == f"httpd console – 127.0.0.1:{server.port}"


def test_each_number_is_a_statistic(browser, start):
    server = serve(start)
    console = Console(browser, server)
    known = set(server.mi("get_statistics", {"statistics": ["httpd:"]}))
    shown = console.page.evaluate("""[...document.querySelectorAll('#numbers [data-number]')].map((place) =>
        [place.dataset.number, place.closest('div').querySelector('code').textContent])""")
    assert len(shown) > 20
    for name, named in shown:
        assert name in (named, f"{named}/s") and named in known


def test_roots_and_who_owns_them(browser, start):
    server = serve(start, modules={**MODULES, daemon.CPP_PROBE: {}})
    console = Console(browser, server)
    wanted = {(root["http_root"], root["module"]) for root in server.mi("httpd_list_root_path")}
    assert {("mi", "mi_http"), ("console", "console"), ("who", "cpp_probe")} <= wanted
    assert {tuple(row[:2]) for row in console.rows("roots")} == wanted
    before = console.wait_row("roots", lambda row: row[0] == "who")
    send_requests(server, "/who", 50)
    after = console.wait_row("roots", lambda row: row[0] == "who" and row[6] == "50")
    assert (before[2], before[6], after[2]) == ("0", "0", "50")
    assert re.fullmatch(r"[\d.]+ (µs|ms|s)", after[7]) and re.fullmatch(r"[\d.]+ (µs|ms|s)", after[8]), after


def test_a_command_by_keyboard_alone(browser, start):
    server = serve(start)
    console = Console(browser, server)
    shown = console.page
    console.wait_state("live")
    # The way to the box is short, and what has the focus can be seen.
    shown.press("Tab", "Tab")
    assert console.focused("focus.textContent") == "Skip to the MI command"
    assert console.focused("focus.getBoundingClientRect().top") >= 0
    shown.press("Enter")
    console.press_until("Tab", "focus.id === 'line'")
    shown.type("ps")
    shown.press("Enter")
    shown.wait_for("document.querySelector('#reply details')")
    assert "PID" not in console.members(), "it is folded"
    for _ in range(3):
        console.press_until("Tab", "focus.tagName === 'SUMMARY' && !focus.parentNode.open")
        shown.press("Enter")
        shown.wait_for("document.activeElement.parentNode.querySelector(':scope[open] > ul > li')")
        if "PID" in console.members():
            break
    assert console.members()["PID"] == str(server.process.pid)
    shown.press("Enter")
    shown.wait_for("!document.activeElement.parentNode.open")
    assert "PID" not in console.members()
    assert console.errors() == []


def test_every_stop_of_the_keyboard_can_be_seen(console):
    """From the top of the page to its end, no key but Tab."""
    visible = """((focus, { top, bottom, left, right }, { outlineStyle }) => bottom > 0 && top < innerHeight && right > 0 &&
        left < innerWidth && outlineStyle !== 'none')(document.activeElement,
        document.activeElement.getBoundingClientRect(), getComputedStyle(document.activeElement))"""
    stops = []
    console.page.press("Tab")
    while console.focused("focus !== document.body") and len(stops) < TOO_MANY:
        stops.append(console.focused("focus.id || focus.className || focus.tagName"))
        console.page.wait_for(visible)  # the page scrolls smoothly
        console.page.press("Tab")
    assert {"line", "plot", "box", "skip"} <= set(stops) and len(stops) < TOO_MANY


def test_completion_and_help(browser, start):
    server = serve(start)
    console = Console(browser, server)
    console.wait_state("live")
    options = "[...document.querySelectorAll('#commands option')].map((option) => option.value)"
    console.page.click("#line")
    console.page.wait_for(f"{options}.length > 0")
    assert sorted(console.page.evaluate(options)) == sorted(server.mi("which"))
    console.page.type("log_level")
    console.page.wait_for("document.querySelector('#help').textContent")
    told = server.mi("help", ["log_level"])
    assert told["Help"] in console.page.text("#help")
    console.page.fill("#line", "")
    console.page.type("get_statistics ")
    console.page.wait_for(f"{options}.includes('get_statistics requests')")
    assert "get_statistics requests/s" not in console.page.evaluate(options)


def test_what_commands_answer(console):
    assert re.fullmatch(r"log_level answered in \d+ ms\.", console.run("log_level 2"))
    assert console.members() == {"New global log level": "2"}
    assert "answered" in console.run("get_statistics httpd:open_connections httpd:requests")
    assert int(console.members()["httpd:open_connections"]) >= 1 and int(console.members()["httpd:requests"]) >= 4
    assert "There is no command nothing" in console.run("nothing")
    assert "-32602" in console.run("log_level 1 2 3 4 5")
    assert "quote is not closed" in console.run('log_level "2')
    # An outcome that is an error looks like one, and the box goes on.
    assert console.page.evaluate("document.querySelector('#outcome').dataset.state") == "bad"
    assert "answered" in console.run("version")
    assert console.page.evaluate("document.querySelector('#outcome').dataset.state") == ""
    assert "httpd" in console.page.text("#reply")
    recent = console.page.evaluate("[...document.querySelectorAll('#recent button')].map((one) => one.textContent)")
    assert recent[0] == "version" and "log_level 2" in recent


def test_the_plots_move(browser, start):
    server = serve(start, modules={**MODULES, daemon.CPP_PROBE: {}})
    console = Console(browser, server)
    console.wait_state("live")
    console.wait_quiet()
    assert console.highest_tick("plot-requests") < 100, "the page itself asks for little"
    with Load(server, "/who", "/nothing"):
        wait_until(lambda: all((value or 0) >= 100 for value in console.legend("plot-requests")[:2]),
                   "the legend does not tell the requests", page.PATIENCE)
        wait_until(lambda: latencies(console), "no latency", page.PATIENCE)
        console.wait_number("httpd:requests/s", lambda text: float(text.replace("\u202f", "")) >= 100)
        console.wait_number("httpd:replies_4xx/s", lambda text: float(text.replace("\u202f", "")) >= 50)
    assert console.highest_tick("plot-requests") >= 100
    assert console.painted("plot-requests", "a") > 0, "a line goes up"
    # Quiet again: the latest value falls, the line stays.
    console.wait_quiet()
    assert console.painted("plot-requests", "a") > 0
    assert console.errors() == []


def latencies(console):
    """Whether the three are told, in the order that they must have."""
    values = console.legend("plot-latency")
    return None not in values and values and values[0] > 0 and values == sorted(values)


def test_a_plot_is_read_by_keyboard(browser, start):
    server = serve(start)
    console = Console(browser, server)
    console.wait_state("live")
    console.wait_quiet()
    send_requests(server, "/nothing", 120)
    wait_until(lambda: (console.legend("plot-requests")[1] or 0) > 0, "not told", page.PATIENCE)
    console.wait_quiet()
    console.press_until("Tab", "focus.role === 'slider'")
    told = []
    for _ in range(200):
        console.page.press("ArrowLeft")
        told.append(console.legend("plot-requests")[1] or 0)
        if sum(told) >= 120:
            break
    # A sample is never more than what came in a second or so, and none is lost.
    assert 120 <= sum(told) < 180, told
    assert "UTC" in console.page.text("#plot-requests .when")
    assert re.search(r"requests [\d.]+/s", console.focused("focus.ariaValueText"))
    console.page.press("Escape")
    console.page.wait_for("document.querySelector('#plot-requests .when').textContent === ''")


def test_a_request_in_flight_and_its_age(browser, start):
    server = serve(start, modules={**MODULES, daemon.WORKER_PROBE: {}}, httpd={"workers": 0})
    console = Console(browser, server)
    console.wait_state("live")
    with server.connect() as client:
        client.send(rawhttp.request("GET", "/keep/600000"))
        row = console.wait_row("requests", lambda row: row[0] == "keep")
        assert row[1] == "GET /keep/600000 HTTP/1.1" and row[2].startswith("127.0.0.1") and row[3] == "kept", row
        assert row[5] == str(server.pids("HTTPD")[0])
        later = console.wait_row("requests", lambda now: now[0] == "keep" and seconds(now[4]) >= seconds(row[4]) + 1.5)
        assert later[1:3] == row[1:3]
        assert int(console.number("httpd:requests_in_progress")) >= 1
    wait_until(lambda: not [row for row in console.rows("requests") if row[0] == "keep"], "it is still there",
               page.PATIENCE)


def test_handler_processes_and_an_overdue_request(browser, start):
    server = serve(start, modules={**MODULES, daemon.WORKER_PROBE: {}}, httpd={"workers": 2, "handler_timeout": 1})
    console = Console(browser, server)
    wait_until(lambda: [row[2] for row in console.rows("workers")] == ["free", "free"], "not free", page.PATIENCE)
    assert {int(row[1]) for row in console.rows("workers")} == set(server.pids("HTTPD worker"))
    with server.connect() as client:
        client.send(rawhttp.request("GET", "/sleep/6000"))
        worker = console.wait_row("workers", lambda row: "/sleep/6000" in row[2])
        assert seconds(worker[3]) < 60
        row = console.wait_row("requests", lambda row: row[0] == "sleep" and row[3] == "overdue")
        assert row[5] == worker[1]
        assert differs(console, '[data-table="requests"] td[data-state="bad"]', '[data-table="requests"] td')
        assert client.read_reply().status == 504
    wait_until(lambda: [row[2] for row in console.rows("workers")] == ["free", "free"], "not free", page.PATIENCE)


def differs(console, one, other):
    """Whether two elements look different: their colours, or how heavy their text is."""
    look = """((style) => [style.color, style.backgroundColor, style.fontWeight].join())(
        getComputedStyle(document.querySelector(SELECTOR)))"""
    return console.page.evaluate(look.replace("SELECTOR", repr(one))) != console.page.evaluate(
        look.replace("SELECTOR", repr(other)))


def test_a_refusal_and_its_parameter(browser, start):
    server = serve(start, httpd={"max_uri_size": 200})
    console = Console(browser, server)
    console.wait_state("live")
    assert server.ask("GET", "/" + "a" * 300).status == 414
    row = console.wait_row("refusals")
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", row[0])
    assert row[1].startswith("127.0.0.1") and row[2:4] == ["414", "The request target is too long"], row
    assert row[4] == "httpd:refusals_target_too_long" and "max_uri_size" in row[6], row
    assert "answered" in console.run(f"get_statistics {row[4]}")
    assert console.members() == {row[4]: "1"}


@pytest.mark.parametrize("scripts", [True, False])
def test_hostile_text_is_text(browser, start, scripts):
    server = serve(start, httpd={"max_uri_size": 200}, modules={**MODULES, daemon.WORKER_PROBE: {}})
    console = Console(browser, server) if scripts else None
    statuses = []
    for target in (HOSTILE, "/%3Cimg/src=x/onerror=window.hostile=1%3E", HOSTILE + "x" * 300):
        with server.connect() as client:
            client.send(f"GET {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
            statuses.append(client.read_reply().status)
    assert statuses[1:] == [404, 414] and statuses[0] in (400, 404)
    if console is None:
        console = Console(browser, server, javaScriptEnabled=False)
    wait_until(lambda: len(console.rows("refusals")) == 3, "not all are shown", page.PATIENCE)
    assert console.page.evaluate("document.querySelectorAll('table img, table [onerror]').length") == 0
    assert console.page.evaluate("window.hostile === undefined")
    assert [row for row in console.rows("refusals") if "onerror=window.hostile=1" in row[5]]
    assert console.errors() == []


def test_hostile_text_in_a_reply_is_text(console):
    assert "answered" not in console.run('help "<img src=x onerror=window.hostile=1>"')
    assert "no command <img" in console.run("<img/src=x/onerror=window.hostile=1>")
    assert console.page.evaluate("document.querySelectorAll('#mi img').length") == 0
    assert console.page.evaluate("window.hostile === undefined")


def test_it_comes_back_with_the_server(browser, start):
    server = serve(start)
    console = Console(browser, server)
    console.wait_state("live")
    console.wait_quiet()
    accepted = int(console.page.evaluate("document.querySelector('#plot-requests .plot').ariaValueMax"))
    server.kill()
    console.wait_state("away")
    assert "reconnecting" in console.page.text("#state")
    again = serve(start, httpd={"port": server.port})
    console.wait_state("live")
    with Load(again, "/nothing"):
        wait_until(lambda: (console.legend("plot-requests")[1] or 0) >= 100, "the plots stand still", page.PATIENCE)
    assert console.highest_tick("plot-requests") >= 100
    assert int(console.page.evaluate("document.querySelector('#plot-requests .plot').ariaValueMax")) > accepted
    assert "answered" in console.run("ps")
    assert not [message for message in console.page.seen()["messages"] if message["type"] == "exception"]


def test_another_version_of_the_page_is_offered(browser, start):
    server = serve(start)
    console = Console(browser, server)
    console.wait_state("live")
    console.page.evaluate("document.body.dataset.build = 'an older one'")
    server.kill()
    console.wait_state("away")
    serve(start, httpd={"port": server.port})
    console.page.wait_for("!document.querySelector('#reload').hidden")
    console.page.click("#reload button")
    console.page.wait_for("document.querySelector('#state').dataset.state === 'live' && "
                          "document.querySelector('#reload').hidden && document.body.dataset.build !== 'an older one'")


def test_one_page_too_many_says_why_and_waits(browser, start):
    server = serve(start, modules={**MODULES, "console.so": {"max_viewers": 1}})
    with server.connect() as other:
        other.send(rawhttp.request("GET", "/console/events"))
        other.read_head()
        console = Console(browser, server)
        console.page.wait_for("document.querySelector('#state').textContent.includes('max_viewers')")
        assert console.rows("roots"), "the tables are there as they stood"
    console.wait_state("live")


def test_dark_and_light(browser, start):
    server = serve(start)
    console = Console(browser, server)
    console.wait_state("live")
    send_requests(server, "/nothing", 100)
    wait_until(lambda: (console.legend("plot-requests")[1] or 0) > 0, "no line goes up", page.PATIENCE)
    look = """['body', 'h1', '.plot .dygraph-axis-label'].map((selector) =>
        [getComputedStyle(document.querySelector(selector)).color, getComputedStyle(document.body).backgroundColor])"""
    console.page.wait_for("document.querySelector('.plot .dygraph-axis-label')")
    looks = {}
    for scheme in ("light", "dark"):
        console.page.set_color_scheme(scheme)
        console.page.wait_for(f"matchMedia('(prefers-color-scheme: {scheme})').matches")
        looks[scheme] = console.page.evaluate(look)
        wait_until(lambda: console.painted("plot-requests", "a") > 0, f"no {scheme} plot", page.PATIENCE)
    for light, dark in zip(looks["light"], looks["dark"]):
        assert light[0] != dark[0] and light[1] != dark[1], looks
    assert brightness(looks["light"][0][1]) > 200 > 60 > brightness(looks["dark"][0][1])


def brightness(colour):
    return sum(map(float, re.findall(r"[\d.]+", colour)[:3])) / 3


def test_on_a_narrow_screen(browser, start):
    server = serve(start)
    assert server.ask("GET", "/" + "a" * 1000).status == 404
    console = Console(browser, server, **NARROW)
    console.wait_state("live")
    console.wait_row("refusals")
    assert "answered" in console.run("get_statistics httpd:")
    width = "[document.documentElement.scrollWidth, document.body.scrollWidth, innerWidth]"
    assert console.page.evaluate(width) == [360, 360, 360]
    # Nothing of use is cut off: what is wider than the page can be scrolled by itself.
    assert console.page.evaluate("""[...document.querySelectorAll('body *')].filter((one) => {
        if (one.closest('.box, #reply, .skip, .plot, datalist') || !one.checkVisibility()) return false;
        return one.getBoundingClientRect().right > innerWidth + 1; }).map((one) => one.outerHTML.slice(0, 200))""") == []


def test_without_scripts_the_tables_are_there(browser, start):
    server = serve(start)
    assert server.ask("GET", "/nothing").status == 404
    console = Console(browser, server, javaScriptEnabled=False)
    assert {tuple(row[:2]) for row in console.rows("roots")} == {("mi", "mi_http"), ("console", "console")}
    ((address, count),) = console.rows("clients")
    assert address == "127.0.0.1" and int(count) >= 1
    (refusal,) = console.rows("refusals")
    assert refusal[2:6:3] == ["404", "GET /nothing HTTP/1.1"]
    assert console.page.evaluate("document.querySelector('[data-table=\"certificates\"]').textContent.trim()") == "none"
    assert int(console.number("httpd:open_connections")) == int(count)
    text = console.page.text()
    assert re.search(r"as of \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC", text)
    assert "need JavaScript" in text and "Command line" not in text and "connecting" not in text
    assert console.errors() == []


def test_without_mi_http_the_box_says_so(browser, start):
    server = serve(start, modules={"console.so": {}})
    console = Console(browser, server)
    console.wait_state("live")
    assert "mi_http is not loaded" in console.page.text("#mi")
    assert not console.page.evaluate("[...document.querySelectorAll('#mi input, #mi button')].length")
    assert console.page.evaluate("document.body.dataset.mi") == ""
    assert console.errors() == []


def test_mi_under_another_root(browser, start):
    server = serve(start, modules={"mi_http.so": {"root": "deep/rpc"}, "console.so": {"root": "a/console"}})
    opened = browser.open(f"http://127.0.0.1:{server.port}/a/console/")
    opened.wait_for("document.querySelector('#state').dataset.state === 'live'")
    opened.fill("#line", "version")
    opened.press("Enter")
    opened.wait_for("document.querySelector('#outcome').textContent.includes('answered')")


def test_with_credentials(browser, start):
    server = serve(start, httpd={"auth_username": "u", "auth_password": "p"})
    console = Console(browser, server, httpCredentials={"username": "u", "password": "p"})
    console.wait_state("live")
    assert "answered" in console.run("ps")
    assert console.errors() == []
    # And without them there is nothing.
    for path in ("/console/", "/console/events", "/console/console.js"):
        assert server.ask("GET", path).status == 401


@pytest.mark.parametrize("days, state", [(400, None), (20, "warning"), (3, "bad")])
def test_certificates_and_their_days(browser, start, authority, days, state):
    now = datetime.datetime.now(datetime.timezone.utc)
    end = now + datetime.timedelta(days=days, hours=12)
    issued = authority.issue(names=("DNS:localhost", "DNS:console.test", "IP:127.0.0.1"), end=f"{end:%Y%m%d%H%M%SZ}")
    server = serve(start, httpd=certificates.parameters(issued))
    console = Console(browser, server, ignoreHTTPSErrors=True)
    console.wait_state("live")
    (row,) = console.rows("certificates")
    assert "console.test" in row[0] and "localhost" in row[1] and row[2] == str(issued.file), row
    assert row[3] == f"{end:%Y-%m-%d %H:%M:%S}" and row[4] == str(days)
    marked = console.page.evaluate("[...document.querySelectorAll('[data-table=\"certificates\"] td')].map("
                                   "(cell) => cell.dataset.state ?? null)")
    assert marked == [None] * 4 + [state]
    if state is not None:
        assert differs(console, f'[data-table="certificates"] td[data-state="{state}"]',
                       '[data-table="certificates"] td')
    assert "answered" in console.run("ps")
    assert console.errors() == []
