"""A real Chromium for tests, driven over its own protocol; nothing but the browser is needed."""

import asyncio
import base64
import json
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from tornado.websocket import websocket_connect

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--remote-debugging-port=0", "--hide-scrollbars", "--force-color-profile=srgb",
)  # fmt: skip


def program():
    """Path of a Chromium, or None."""
    return next((found for name in NAMES if (found := shutil.which(name))), None)


class Browser:
    """One Chromium with one page; every request that the page makes is kept in `requests`."""

    def __enter__(self):
        self.folder = tempfile.mkdtemp(prefix="fm-browser-")
        self.loop = asyncio.new_event_loop()
        command = [program(), *FLAGS, f"--user-data-dir={self.folder}", "about:blank"]
        self.process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        note = Path(self.folder, "DevToolsActivePort")
        for _ in range(600):
            if note.exists() and len(note.read_text().splitlines()) == 2:
                break
            time.sleep(0.1)
        port, path = note.read_text().splitlines()
        self.number, self.requests, self.events = 0, [], []
        self.socket = self._wait(
            lambda: websocket_connect(f"ws://127.0.0.1:{port}{path}", max_message_size=2**28)
        )
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)[
            "sessionId"
        ]
        for domain in ("Page", "Network", "Runtime", "Log"):
            self.call(f"{domain}.enable")
        return self

    session = None

    def __exit__(self, *_):
        try:
            self.call("Browser.close")
            self.process.wait(20)
        except Exception:
            self.process.kill()
        self.loop.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _wait(self, act):
        async def wait():
            return await act()

        return self.loop.run_until_complete(asyncio.wait_for(wait(), 120))

    def call(self, method, **given):
        """One command; events that come in meanwhile are kept."""
        self.number += 1
        message = {"id": self.number, "method": method, "params": given}
        if self.session:
            message["sessionId"] = self.session
        self._wait(lambda: self.socket.write_message(json.dumps(message)))
        while True:
            answer = json.loads(self._wait(self.socket.read_message))
            if answer.get("id") == self.number:
                assert "error" not in answer, answer
                return answer["result"]
            self._event(answer)

    def _event(self, answer):
        if answer.get("method") == "Network.requestWillBeSent":
            self.requests.append(answer["params"]["request"]["url"])
        elif "method" in answer:
            self.events.append(answer)

    def open(self, file, width=1180, height=900):
        """Load a file and wait until it has loaded."""
        self.requests, self.events = [], []
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height,
            deviceScaleFactor=1, mobile=False,
        )  # fmt: skip
        self.call("Page.navigate", url=Path(file).resolve().as_uri())
        for _ in range(600):
            if self.run("document.readyState") == "complete":
                return
            time.sleep(0.05)
        raise TimeoutError(file)

    def check(self, name):
        """What is wrong with how the page reads: ``cut``, ``pale`` or ``nameless``."""
        self.run(Path(__file__).with_suffix(".js").read_text(encoding="utf-8"))
        return self.run(f"check.{name}()")

    def run(self, code):
        """Value of a JavaScript expression."""
        answer = self.call(
            "Runtime.evaluate", expression=code, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def errors(self):
        """What the page threw or complained about."""
        return [
            e["params"] for e in self.events
            if e["method"] in ("Runtime.exceptionThrown", "Log.entryAdded")
        ]  # fmt: skip

    def picture(self, file):
        """A screenshot as PNG."""
        data = self.call("Page.captureScreenshot", format="png")["data"]
        Path(file).write_bytes(base64.b64decode(data))

    def outside(self):
        """Requests that leave the machine's own files."""
        return [url for url in self.requests if not url.startswith(("file:", "data:", "about:"))]
