"""The page as it is served: files, types, caching, headers."""

import asyncio
import os

import httpx
import pytest

from .stack import running

INDEX = "<!doctype html><title>To-do</title>"


@pytest.fixture(scope="module")
async def site(tmp_path_factory):
    tmp_path = tmp_path_factory.mktemp("site")
    page = tmp_path / "dist"
    (page / "assets").mkdir(parents=True)
    (page / "index.html").write_text(INDEX)
    (page / "assets" / "index-B1cD_f-9.js").write_text("export {}")
    (page / "assets" / "index-B1cD_f-9.css").write_text("a{}")
    (page / "icon.svg").write_text("<svg/>")
    (page / "data.unheard-of").write_text("?")
    (tmp_path / "secret.txt").write_text("secret")
    (page / "link.txt").symlink_to(tmp_path / "secret.txt")
    async with running(page) as stack, httpx.AsyncClient(base_url=f"http://127.0.0.1:{stack.port}") as http:
        yield http


@pytest.mark.parametrize(
    ("path", "kind", "caching"),
    [
        ("/", "text/html; charset=utf-8", "no-cache"),
        ("/index.html", "text/html; charset=utf-8", "no-cache"),
        ("/assets/index-B1cD_f-9.js", "text/javascript; charset=utf-8", "public, max-age=31536000, immutable"),
        ("/assets/index-B1cD_f-9.css", "text/css; charset=utf-8", "public, max-age=31536000, immutable"),
        ("/icon.svg", "image/svg+xml", "no-cache"),
        ("/data.unheard-of", "application/octet-stream", "no-cache"),
    ],
)
async def test_files_have_their_type_and_caching(site, path, kind, caching):
    response = await site.get(path)
    assert response.status_code == 200
    assert (response.headers["content-type"], response.headers["cache-control"]) == (kind, caching)


@pytest.mark.parametrize("path", ["/", "/assets/index-B1cD_f-9.js", "/nothing"])
async def test_every_answer_has_the_strict_headers(site, path):
    headers = (await site.get(path)).headers
    policy = dict(directive.split(" ", 1) for directive in headers["content-security-policy"].split("; "))
    assert policy.pop("require-trusted-types-for") == "'script'"
    mine = {"script-src", "style-src", "img-src", "connect-src"}
    assert {name: value for name, value in policy.items() if name in mine} == dict.fromkeys(mine, "'self'")
    assert {name for name, value in policy.items() if value == "'none'"} == {
        "default-src",
        "base-uri",
        "form-action",
        "frame-ancestors",
        "trusted-types",
    }
    assert len(policy) == 9
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"


async def test_what_is_unchanged_is_not_sent_again(site):
    for path in ("/", "/icon.svg"):
        first = await site.get(path)
        again = await site.get(path, headers={"If-None-Match": first.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["cache-control"] == "no-cache"


async def test_a_new_build_of_the_same_size_and_time_is_noticed(tmp_path):
    index = tmp_path / "index.html"
    index.write_text(INDEX)
    async with running(tmp_path) as stack, httpx.AsyncClient(base_url=f"http://127.0.0.1:{stack.port}") as http:
        first = await http.get("/")
        built = index.stat()
        index.write_text(INDEX.replace("To-do", "Do-to"))
        os.utime(index, ns=(built.st_atime_ns, built.st_mtime_ns))
        again = await http.get("/", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, "Do-to" in again.text) == (200, True)


@pytest.mark.parametrize(
    "path",
    [
        "/../secret.txt",
        "/assets/../../secret.txt",
        "/%2e%2e/secret.txt",
        "/..%2fsecret.txt",
        "/%2e%2e%5csecret.txt",
        "//etc/passwd",
        "/link.txt",
        "/%00",
        "/" + "a" * 5000,
    ],
)
async def test_nothing_outside_the_directory_is_served(site, path):
    # By hand: clients tidy such paths up before they send them.
    reader, writer = await asyncio.open_connection("127.0.0.1", site.base_url.port)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
    async with asyncio.timeout(5):
        answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    assert answer.startswith(b"HTTP/1.1 404 ")
    assert b"secret" not in answer.partition(b"\r\n\r\n")[2]


async def test_only_reading_is_allowed(site):
    assert (await site.post("/")).status_code == 405


async def test_a_foreign_host_name_is_refused(site):
    assert (await site.get("/", headers={"Host": "evil.example"})).status_code == 400


async def test_health_is_answered_beside_the_page(site):
    assert (await site.get("/healthz")).json() == {"status": "ok"}


async def test_health_is_answered_under_every_name_since_it_tells_nothing(site):
    foreign = {"Host": "evil.example"}
    assert (await site.get("/healthz", headers=foreign)).json() == {"status": "ok"}
    assert (await site.get("/readyz", headers=foreign)).json() == {"status": "ready"}


async def test_a_page_that_is_not_built_says_how_and_appears_once_it_is(tmp_path):
    page = tmp_path / "dist"
    async with running(page) as stack, httpx.AsyncClient(base_url=f"http://127.0.0.1:{stack.port}") as http:
        missing = await http.get("/")
        assert (missing.status_code, missing.headers["content-type"]) == (404, "text/plain; charset=utf-8")
        assert "make page" in missing.text
        page.mkdir()
        (page / "index.html").write_text(INDEX)
        assert (await http.get("/")).text == INDEX
