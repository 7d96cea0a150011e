"""A real nginx with the configuration that is shipped, in front of processes of the test's own."""

from __future__ import annotations

import re
import signal
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from tests import services
from tests.servers import Server, _bound_to_us, free_port

CONFIGURATION = Path(__file__).parents[2] / "deploy" / "nginx"
_HEAD = """
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
worker_rlimit_nofile 16384;
events {{ worker_connections 8192; }}
http {{
    access_log off;
    client_body_temp_path {folder}/bodies;
    proxy_temp_path {folder}/proxied;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/sites/*.conf;
}}
"""


class Nginx(Server):
    """doors: name → ports of the web processes behind it. Each door has an address of its own below the sub-path. deaf: doors that
    let no websocket through, as a proxy that was not told of them.

    unlimited: without the fence by address, for measuring from one machine what many send.
    """

    def __init__(
        self, doors: Mapping[str, Sequence[int]], *, deaf: Collection[str] = (), unlimited: bool = False
    ) -> None:
        super().__init__("nginx")
        assert services.nginx(), "nginx is missing: run `make services`, or install it"
        self.doors = {name: free_port() for name in doors}
        self.port = next(iter(self.doors.values()))
        sites = self.folder / "sites"
        sites.mkdir()
        self.folder.chmod(0o755)
        (self.folder / "nginx.conf").write_text(_HEAD.format(folder=self.folder), encoding="utf-8")
        for number, (name, behind) in enumerate(doors.items()):
            text = _site(self.doors[name], behind, unlimited=unlimited)
            if name in deaf:
                text = text.replace("$http_upgrade;", "'';").replace("$medianest_connection;", "'';")
            # Of what stands outside of the server, each site has its own.
            text = re.sub(r"\b(medianest_\w+)\b", rf"\1_{number}", text)
            text = re.sub(r"(upstream |proxy_pass http://)medianest\b", rf"\g<1>medianest_{number}", text)
            (sites / f"{number}.conf").write_text(text, encoding="utf-8")

    def url(self, door: str) -> str:
        """The portal's address through this door, without a final slash."""
        return f"http://127.0.0.1:{self.doors[door]}/medianest"

    def command(self) -> list[str]:
        program = services.nginx()
        assert program is not None
        return [*_bound_to_us(), program, "-p", str(self.folder), "-c", str(self.folder / "nginx.conf")]

    def answers(self) -> bool:
        try:
            with urlopen(f"{self.url(next(iter(self.doors)))}/healthz", timeout=60) as reply:
                return bool(reply.status == 200)
        except (OSError, URLError):
            return False

    def close(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.signal(signal.SIGTERM)
            self.process.wait(60)
        super().close()


def _site(port: int, behind: Sequence[int], *, unlimited: bool) -> str:
    """The shipped site for the sub-path, with the three things that differ from house to house."""
    text = (CONFIGURATION / "medianest.conf").read_text(encoding="utf-8")
    location = (CONFIGURATION / "locations" / "subpath.conf").read_text(encoding="utf-8")
    servers = "\n    ".join(f"server 127.0.0.1:{one};" for one in behind)
    text = _replaced(text, "server web:8484;", servers)
    text = _replaced(text, "listen 80 default_server;", f"listen 127.0.0.1:{port};")
    text = _replaced(text, "listen [::]:80 default_server;", "")
    text = _replaced(text, "include medianest/location.conf;", location)
    if unlimited:
        text = re.sub(r"^\s*limit_(req|conn) .*$", "", text, flags=re.M)
    return text


def _replaced(text: str, what: str, by: str) -> str:
    assert text.count(what) == 1, what
    return text.replace(what, by)
