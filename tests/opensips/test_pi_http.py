# pi_http: provisioning a database table through pages with forms. SPDX-License-Identifier: GPL-2.0-or-later
import re

import opensips
import pytest

FORM = "Content-Type: application/x-www-form-urlencoded"
COLUMNS = ("name", "value")

COLUMN = "<col><field>{0}</field></col>"
CLAUSE = "<clause_cols><col><field>id</field><operator>=</operator></col></clause_cols>"


def framework(database):
    """A description of one table and the commands on it, as pi_http reads it."""
    columns = "".join(COLUMN.format(name) for name in COLUMNS)
    return f"""<?xml version="1.0"?>
<framework>
  <db_url id="text">text://{database}</db_url>
  <db_table id="things">
    <table_name>things</table_name><db_url_id>text</db_url_id>
    <column><field>id</field><type>DB_INT</type></column>
    <column><field>name</field><type>DB_STR</type></column>
    <column><field>value</field><type>DB_STR</type></column>
  </db_table>
  <mod><mod_name>things</mod_name>
    <cmd><cmd_name>show</cmd_name><db_table_id>things</db_table_id><cmd_type>DB_QUERY</cmd_type>
      <query_cols>{COLUMN.format("id")}{columns}</query_cols></cmd>
    <cmd><cmd_name>add</cmd_name><db_table_id>things</db_table_id><cmd_type>DB_INSERT</cmd_type>
      <query_cols>{columns}</query_cols></cmd>
    <cmd><cmd_name>update</cmd_name><db_table_id>things</db_table_id><cmd_type>DB_UPDATE</cmd_type>
      {CLAUSE}<query_cols>{columns}</query_cols></cmd>
    <cmd><cmd_name>delete</cmd_name><db_table_id>things</db_table_id><cmd_type>DB_DELETE</cmd_type>{CLAUSE}</cmd>
  </mod>
</framework>
"""


@pytest.fixture(scope="module", params=[0, 1], ids=["GET", "POST"])
def server(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("pi_http")
    database = folder / "database"
    database.mkdir()
    (database / "version").write_text("table_name(string) table_version(int)\nthings:1\n")
    (database / "things").write_text("id(int,auto) name(string) value(string)\n1:first:one\n")
    file = folder / "framework.xml"
    file.write_text(framework(database))
    parameters, globals_ = {"pi_http_method": request.param}, []
    if opensips.number() >= (4, 1):
        globals_ = [f'pi_framework = "{file}"']
    else:
        parameters["framework"] = file
    with opensips.OpenSips(folder, [("db_text", {}), ("pi_http", parameters)], globals_=globals_) as started:
        started.form_method = "POST" if request.param else "GET"
        yield started


def run(server, command, fields):
    """Sends the form of a command: its columns are lettered, the row to work on is number 0."""
    text = "&".join(f"{name}={value}" for name, value in fields.items())
    if server.form_method == "GET":
        reply = server.ask("GET", f"/pi/things/{command}?{text}")
    else:
        reply = server.ask("POST", f"/pi/things/{command}", FORM, body=text.encode())
    assert reply.status == 200, reply
    return reply.body.decode(errors="replace")  # the pages name no charset, so that browsers send what they like


def show(server):
    return run(server, "show", {"cmd": "on"})


def test_the_pages(server):
    reply = server.ask("GET", "/pi")
    assert reply.status == 200
    assert reply.field("Content-Type").startswith("text/html")
    assert b"things" in reply.body
    assert b"add" in server.ask("GET", "/pi/things").body
    form = server.ask("GET", "/pi/things/add").body.decode()
    assert re.search(r"<form[^>]*>", form), form
    assert "name" in form


def test_a_row_comes_changes_and_goes(server):
    assert "first" in show(server)
    run(server, "add", {"cmd": "on", "a": "second+thing", "b": "a%26b%3D%C3%A9"})
    page = show(server)
    assert "second thing" in page
    assert re.search(r"a(&amp;|&)b=é", page), page
    run(server, "update", {"cmd": "on", "0": "2", "a": "changed", "b": "x"})
    assert "changed" in show(server)
    run(server, "delete", {"cmd": "on", "0": "2"})
    assert "changed" not in show(server)


def test_a_form_in_a_browser(server, browser):
    browser.open(f"http://127.0.0.1:{server.port}/pi")
    browser.follow("things")
    browser.follow("add")
    browser.type("input[name=a]", "from a browser")
    browser.type("input[name=b]", "50% & more = é")
    browser.click("input[type=submit]")
    browser.wait_text("Record successfully added")
    browser.open(f"http://127.0.0.1:{server.port}/pi/things/show")
    browser.click("input[type=submit]")
    browser.wait_text("from a browser 50% & more = é")


def test_a_multipart_form(server):
    if server.form_method == "GET":
        pytest.skip("forms that are sent by GET have one encoding")
    parts = {"cmd": "on", "a": "by parts", "b": "v"}
    body = "".join(f'--XX\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
                   for name, value in parts.items()) + "--XX--\r\n"
    reply = server.ask("POST", "/pi/things/add", "Content-Type: multipart/form-data; boundary=XX", body=body.encode())
    assert reply.status == 200, reply
    assert "by parts" in show(server)
