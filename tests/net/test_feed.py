# SPDX-License-Identifier: BSD-2-Clause
"""Feeds from a real server on loopback: what is taken, what is refused, and what then is enforced."""

import contextlib
import http.server
import json
import os
import socketserver
import subprocess
import threading
import time

import pytest

from namespaces import PROGRAM, ROOT, Counters, address, is_readable, site

OLD = ["192.0.2.40", "192.0.2.99"]
DATE = "Sat, 21 Nov 2026 00:00:00 GMT"


class Answers(http.server.BaseHTTPRequestHandler):
    """Says what its server was told to say; keeps what it was asked."""

    def do_GET(self):
        self.server.asked.append(dict(self.headers))
        self.server.answer(self)

    def log_message(self, *_):
        """Nothing on stderr."""


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
    asked: list
    answer: object


def say(status=200, body=b"", length=None, **headers):
    def answer(handler):
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        if status not in (304, 302):
            handler.send_header("Content-Length", str(len(body) if length is None else length))
        handler.end_headers()
        with contextlib.suppress(BrokenPipeError):
            handler.wfile.write(body)
    return answer


def lines(prefixes):
    return "".join(f"{one}\n" for one in prefixes).encode()


@pytest.fixture
def server():
    made = Server(("127.0.0.1", 0), Answers)
    made.asked = []
    made.answer = say(body=lines(OLD))
    threading.Thread(target=made.serve_forever, args=(0.02,), daemon=True).start()
    yield made
    made.shutdown()
    made.server_close()


class Feeds:
    """A site with one feed, and a folder for what is fetched."""

    def __init__(self, folder, url, **keys):
        self.folder = folder
        self.store = folder / "feeds"
        self.site = folder / "feed-site.yaml"
        self.write(url, **keys)

    def write(self, url, **keys):
        policy = site(flows=[("from-feed", "$cloud", "engine", ["udp/7000"])],
                      sets={"cloud": {"feed": "list", "url": url, **keys}})
        self.site.write_text(json.dumps(policy))

    def run(self, *arguments, status=0):
        done = subprocess.run([PROGRAM, "--feeds", self.store, "--catalogs", ROOT / "policies",
                               *arguments], capture_output=True, text=True, timeout=60, check=False,
                              env={**os.environ, "no_proxy": "*"})
        assert done.returncode == status, done.stdout + done.stderr
        return done

    def update(self, *options, status=0):
        return self.run("feed", "update", self.site, *options, status=status)

    def prefixes(self):
        shown = json.loads(self.run("show", self.site, "--host", "engine", "--json").stdout)
        [rule] = [rule for rule in shown["rules"] if rule["id"] == "site/from-feed"]
        return rule["matches"][0]["remote"]


@pytest.fixture
def feeds(tmp_path, server):
    return Feeds(tmp_path, f"http://127.0.0.1:{server.server_port}/list")


def test_fetched_and_then_read(feeds):
    assert "never fetched" in feeds.run("check", feeds.site, status=3).stderr
    assert "fetched" in feeds.update().stdout
    assert feeds.prefixes() == OLD


def test_unchanged_is_not_fetched_again(feeds, server):
    server.answer = say(body=lines(OLD), ETag='"one"', Last_Modified=DATE)
    feeds.update()
    server.answer = say(304)
    assert "unchanged" in feeds.update().stdout
    assert server.asked[1]["If-None-Match"] == '"one"'
    assert server.asked[1]["If-Modified-Since"] == DATE
    assert feeds.prefixes() == OLD


@pytest.mark.parametrize("answer, words", [
    (say(body=lines(OLD), length=1000), "cut short"),
    (say(body=b"<html>log in</html>", Content_Type="text/html"), "text/html"),
    (say(body=b"# nothing\n"), "empty"),
    (say(body=b"192.0.2.1\nnonsense here\n"), "line 2"),
    (say(body=b"192.0.2.1/24\n"), "192.0.2.0/24"),
    (say(body=b"0.0.0.0/0\n"), "every address"),
    (say(404, b"no"), "404"),
    (say(500, b"no"), "500"),
    (say(302, Location="file:///etc/hosts"), "rotocol"),
    (say(302, Location="/list"), "redirects"),
    (say(body=lines(OLD[:1])), "--accept-shrink"),
    (say(body=b"", length=1 << 30), "FEED_BYTES_MAX"),
], ids=["truncated", "html", "empty", "malformed", "host-bits", "any", "404", "500", "redirect-to-file",
        "redirect-loop", "shrunken", "too-large"])
def test_refused_and_the_old_one_stays(feeds, server, answer, words):
    feeds.update()
    [stored] = feeds.store.iterdir()
    before = stored.read_bytes()
    server.answer = answer
    done = feeds.update(status=1)
    assert words in done.stderr
    assert "what is stored stays" in done.stderr
    assert stored.read_bytes() == before
    assert list(feeds.store.iterdir()) == [stored]
    assert feeds.prefixes() == OLD


def test_slow(feeds, server):
    feeds.update()
    over = threading.Event()
    server.answer = lambda handler: over.wait(30)
    done = feeds.update("--timeout", "1", status=1)
    over.set()
    assert "too long" in done.stderr and "--timeout" in done.stderr
    assert feeds.prefixes() == OLD


def test_nobody_answers(feeds, server):
    feeds.write("http://127.0.0.1:1/list")
    assert "127.0.0.1" in feeds.update(status=1).stderr


def test_a_redirect_is_followed(feeds, server):
    def answer(handler):
        if handler.path == "/list":
            say(302, Location="/other")(handler)
        else:
            say(body=lines(OLD))(handler)
    server.answer = answer
    feeds.update()
    assert feeds.prefixes() == OLD


def test_shrinking_is_accepted_when_told_to(feeds, server):
    feeds.update()
    server.answer = say(body=lines(OLD[:1]))
    feeds.update("--accept-shrink")
    assert feeds.prefixes() == OLD[:1]


def test_shrink_of_the_site(feeds, server):
    feeds.update()
    feeds.write(f"http://127.0.0.1:{server.server_port}/list", shrink="50%")
    server.answer = say(body=lines(OLD[:1]))
    feeds.update()
    assert feeds.prefixes() == OLD[:1]


def test_growing_is_no_shrinking(feeds, server):
    feeds.update()
    server.answer = say(body=lines([*OLD, "198.51.100.0/24"]))
    feeds.update()
    assert "198.51.100.0/24" in feeds.prefixes()


def test_age(feeds):
    feeds.update()
    assert json.loads(feeds.run("feed", "status", "--json").stdout)[0]["old"] is False
    [stored] = feeds.store.iterdir()
    old = int(time.time()) - 30 * 86400
    text = stored.read_text().splitlines(keepends=True)
    stored.write_text("".join(f"checked-at: {old}\n" if line.startswith("checked-at") else line
                              for line in text))
    assert "30 days old" in feeds.run("check", feeds.site).stderr
    [one] = json.loads(feeds.run("feed", "status", "--json", status=1).stdout)
    assert one["old"] is True and one["age_seconds"] >= 30 * 86400
    # Whoever watches hears of it, whether or not something is enforced.
    assert "30 days old" in feeds.run("status", "--pins", "/sys/fs/bpf/sallyport-feed-none", status=1).stderr
    page = Counters(feeds.run("metrics", "--pins", "/sys/fs/bpf/sallyport-feed-none").stdout)
    [(labels, checked)] = page.select("feed_checked_timestamp_seconds")
    assert checked == old and labels["feed"] == stored.stem
    assert page.sum("feed_max_age_seconds") == 7 * 86400
    stored.write_bytes(b"")
    page = Counters(feeds.run("metrics", "--pins", "/sys/fs/bpf/sallyport-feed-none").stdout)
    assert page.sum("feed_checked_timestamp_seconds") == 0


@pytest.mark.parametrize("damage, words", [
    (lambda text: b"", "no stored feed"),
    (lambda text: text[:30], "cut short"),
    (lambda text: text[:-3], "damaged"),
    (lambda text: text.replace(b"192.0.2.40", b"192.0.2.41"), "damaged"),
], ids=["emptied", "headers-cut", "content-cut", "content-changed"])
def test_a_damaged_copy_is_refused(feeds, damage, words):
    feeds.update()
    [stored] = feeds.store.iterdir()
    stored.write_bytes(damage(stored.read_bytes()))
    done = feeds.run("check", feeds.site, status=3)
    assert words in done.stderr and "feed update" in done.stderr


def test_usage(feeds):
    assert "feed update SITE" in feeds.run("feed", "fetch", status=2).stderr
    assert "--timeout" in feeds.update("--timeout", "soon", status=2).stderr


def test_an_update_is_enforced_at_once(net, server, tmp_path):
    """G15: what is new is let in and what is gone is not, by one apply."""
    feeds = Feeds(tmp_path, f"http://127.0.0.1:{server.server_port}/list", shrink="100%")
    collector, stranger, engine = address("collector"), address("stranger"), address("engine")
    server.answer = say(body=lines([collector]))
    feeds.update()
    net.sallyport("apply", "--feeds", feeds.store, feeds.site)
    inside = net.host.udp(engine, 7000)
    with net.peer.udp(collector) as one, net.peer.udp(stranger) as other:
        other.sendto(b"stranger", (engine, 7000))
        one.sendto(b"collector", (engine, 7000))
        assert inside.recv(100) == b"collector"
        server.answer = say(body=lines([stranger]))
        feeds.update()
        net.sallyport("apply", "--feeds", feeds.store, feeds.site)
        one.sendto(b"collector", (engine, 7000))
        other.sendto(b"stranger", (engine, 7000))
        assert inside.recv(100) == b"stranger"
    assert not is_readable(inside)
    inside.close()


def test_a_file_beside_the_site(tmp_path):
    feeds = Feeds(tmp_path, "http://127.0.0.1:1/")
    (tmp_path / "ranges.json").write_text(json.dumps({
        "syncToken": "1", "createDate": "2026-11-20-00-00-00",
        "prefixes": [
            {"ip_prefix": "198.51.100.0/25", "region": "us-east-1", "service": "AMAZON"},
            {"ip_prefix": "198.51.100.128/25", "region": "us-east-1", "service": "EC2"},
            {"ip_prefix": "203.0.113.0/24", "region": "eu-west-1", "service": "AMAZON"}],
        "ipv6_prefixes": [
            {"ipv6_prefix": "2001:db8:5::/48", "region": "us-east-1", "service": "AMAZON"}]}))
    policy = json.loads(feeds.site.read_text())
    policy["sets"]["cloud"] = {"feed": "aws", "file": "ranges.json", "regions": ["us-east-1"]}
    feeds.site.write_text(json.dumps(policy))
    assert feeds.prefixes() == ["198.51.100.0/24", "2001:db8:5::/48"]
    policy["sets"]["cloud"]["services"] = ["EC2"]
    feeds.site.write_text(json.dumps(policy))
    assert feeds.prefixes() == ["198.51.100.128/25"]
    policy["sets"]["cloud"]["regions"] = ["us-est-1"]
    feeds.site.write_text(json.dumps(policy))
    assert "did you mean `us-east-1`?" in feeds.run("check", feeds.site, status=3).stderr
    assert not feeds.store.exists()
