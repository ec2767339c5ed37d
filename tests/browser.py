"""A headless Chromium that tests look at pages with, over the DevTools protocol on two pipes.

No package beside the standard library: `--remote-debugging-pipe` speaks JSON, a NUL after each.
"""

import base64
import itertools
import json
import os
import select
import shutil
import subprocess
import time
from pathlib import Path

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
FLAGS = (
    "--headless", "--no-sandbox", "--no-first-run", "--disable-background-networking",
    "--disable-dev-shm-usage", "--disable-extensions", "--hide-scrollbars", "--mute-audio",
    "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--force-color-profile=srgb",
    "--remote-debugging-pipe",
)  # fmt: skip
SECONDS = 60.0
"""How long an answer may take on a busy machine."""


class Browser:
    """One tab.

    Attributes:
        messages: what the console and the log said, since the last page was opened.
        requests: addresses that the tab asked for, but for the page's own, data: and blob:.
    """

    def __init__(self, folder: Path) -> None:
        assert CHROMIUM is not None
        read, self._write = os.pipe()
        self._read, write = os.pipe()
        high = [os.dup(end) for end in (read, write)]  # out of the way of 3 and 4
        high = [os.dup2(end, 200 + at) for at, end in enumerate(high)]

        def hand_over() -> None:
            os.dup2(200, 3)
            os.dup2(201, 4)

        self._process = subprocess.Popen(
            [CHROMIUM, *FLAGS, f"--user-data-dir={folder / 'profile'}", "about:blank"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            pass_fds=(3, 4, 200, 201), preexec_fn=hand_over,
            env={**os.environ, "HOME": str(folder)},
        )  # fmt: skip
        for end in (read, write, *high):
            os.close(end)
        self._buffer, self._numbers, self._session = b"", itertools.count(1), None
        self._events: list[dict] = []
        self.messages: list[str] = []
        self.requests: list[str] = []
        self._page = ""
        targets = self.call("Target.getTargets")["targetInfos"]
        page = next(one["targetId"] for one in targets if one["type"] == "page")
        self._session = self.call("Target.attachToTarget", targetId=page, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network", "DOM"):
            self.call(f"{domain}.enable")
        self.call("Emulation.setFocusEmulationEnabled", enabled=True)  # a tab in front

    def close(self) -> None:
        """Ends the process."""
        try:
            self._session = None
            self.call("Browser.close")
            self._process.wait(10)
        except (OSError, EOFError, TimeoutError, subprocess.TimeoutExpired):
            self._process.kill()
        os.close(self._read)
        os.close(self._write)

    def call(self, method: str, **params: object) -> dict:
        """Sends a command and waits for its answer."""
        number = next(self._numbers)
        message: dict[str, object] = {"id": number, "method": method, "params": params}
        if self._session is not None:
            message["sessionId"] = self._session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next(SECONDS)
            if answer.get("id") == number:
                assert "error" not in answer, f"{method}: {answer['error']}"
                return answer["result"]
            self._note(answer)

    def open(self, page: Path, width: int = 1400, height: int = 1000, **features: str) -> None:
        """Loads a file.

        Args:
            page: the HTML file.
            width: of the window.
            height: likewise.
            **features: media features, as prefers_color_scheme="dark".
        """
        self.size(width, height)
        self.media(**features)
        self.messages.clear()
        self.requests.clear()
        self._events.clear()
        self._page = page.resolve().as_uri()
        self.call("Page.navigate", url=self._page)
        self.until("document.readyState === 'complete'")

    def size(self, width: int, height: int = 1000) -> None:
        """The window's size."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width, height=height, deviceScaleFactor=1, mobile=width < 600,
        )  # fmt: skip

    def media(self, kind: str = "", **features: str) -> None:
        """What the style sheet believes of the reader: "print", prefers_color_scheme="dark"."""
        known = [{"name": key.replace("_", "-"), "value": value} for key, value in features.items()]
        self.call("Emulation.setEmulatedMedia", media=kind, features=known)

    def js(self, expression: str) -> object:
        """The value of an expression on the page; of a promise, what it is kept with."""
        done = self.call(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in done, done["exceptionDetails"]
        return done["result"].get("value")

    def until(self, condition: str, seconds: float = SECONDS) -> None:
        """Waits until an expression is true."""
        end = time.monotonic() + seconds
        while not self.js(f"Boolean({condition})"):
            assert time.monotonic() < end, f"not within {seconds} s: {condition}"
            time.sleep(0.05)

    def key(self, name: str, code: int = 0, text: str = "") -> None:
        """Presses a key and lets it go."""
        for kind in ("keyDown", "keyUp"):
            typed = {"text": text} if text and kind == "keyDown" else {}
            self.call(
                "Input.dispatchKeyEvent", type=kind, key=name, code=name,
                windowsVirtualKeyCode=code, **typed,
            )  # fmt: skip

    def point(self, x: float, y: float) -> None:
        """Moves the mouse there."""
        self.call("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)

    def click(self, x: float, y: float) -> None:
        """Clicks there."""
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def centre(self, selector: str) -> tuple[float, float]:
        """The middle of an element, scrolled into view."""
        x, y = self.js(
            "(() => {const e = document.querySelector(" + json.dumps(selector) + ");"
            "e.scrollIntoView({block: 'center', behavior: 'instant'});"
            "const b = e.getBoundingClientRect();"
            "return [b.x + b.width / 2, b.y + b.height / 2];})()"
        )
        return x, y

    def picture(self, path: Path, whole: bool = True) -> None:
        """A PNG of the page, or of what the window shows of it."""
        done = self.call("Page.captureScreenshot", captureBeyondViewport=whole)
        path.write_bytes(base64.b64decode(done["data"]))

    def pdf(self, path: Path) -> None:
        """The page as it is printed."""
        done = self.call("Page.printToPDF", printBackground=True)
        path.write_bytes(base64.b64decode(done["data"]))

    def _next(self, seconds: float) -> dict:
        end = time.monotonic() + seconds
        while b"\0" not in self._buffer:
            ready, _, _ = select.select([self._read], [], [], max(0.0, end - time.monotonic()))
            if not ready:
                raise TimeoutError(f"chromium said nothing for {seconds} s")
            more = os.read(self._read, 1 << 20)
            if not more:
                raise EOFError("chromium has ended")
            self._buffer += more
        message, self._buffer = self._buffer.split(b"\0", 1)
        return json.loads(message)

    def _note(self, event: dict) -> None:
        method, params = event.get("method"), event.get("params", {})
        if method == "Runtime.consoleAPICalled":
            words = [str(one.get("value", one.get("description"))) for one in params["args"]]
            self.messages.append(f"{params['type']}: {' '.join(words)}")
        elif method == "Runtime.exceptionThrown":
            details = params["exceptionDetails"]
            self.messages.append(str(details.get("exception", details).get("description")))
        elif method == "Log.entryAdded":
            self.messages.append(f"{params['entry']['source']}: {params['entry']['text']}")
        elif method == "Network.requestWillBeSent":
            address = params["request"]["url"].partition("#")[0]
            if address != self._page and not address.startswith(("data:", "blob:")):
                self.requests.append(address)
