"""An S3 server, by rclone, whose buckets are folders."""

import http.client
import os
import shutil
import sys
import urllib.error
import urllib.request
from pathlib import Path

from twintrain.errors import UserError
from twintrain.tracking.services.daemon import Daemon
from twintrain.tracking.services.site import BUCKETS, INSTALL, Site

START_SECONDS = 30
ANSWER_SECONDS = 5


class S3:
    """A server of the folder's buckets."""

    name = "s3"
    title = "S3"

    def __init__(self, site: Site) -> None:
        self.site = site
        self.folder = site.folder / self.name
        self._daemon = Daemon(self.title, self.folder)

    def check(self) -> None:
        """Raises a UserError where something that it needs is not installed."""
        _rclone()

    def is_up(self) -> bool:
        """Whether it answers, be it that it does not let us in."""
        try:
            urllib.request.urlopen(f"http://{self.site.address(self.name)}", timeout=ANSWER_SECONDS).close()
        except urllib.error.HTTPError:
            return True
        except (OSError, http.client.HTTPException):  # nobody, or somebody else
            return False
        return True

    def start(self) -> None:
        """Starts it, and makes the buckets that are not there yet."""
        for bucket in BUCKETS:
            (self.folder / "buckets" / bucket).mkdir(parents=True, exist_ok=True)
        if not self._daemon.is_running:
            self._daemon.stop()  # what a killed one has started goes on, and holds its port
            self.site.check_port(self.name, self.title)
            self._daemon.start(self._command(), {**os.environ, **self._variables()})
        self._daemon.wait(self.is_up, START_SECONDS)

    def _command(self) -> list[str]:
        return [_rclone(), "serve", "s3", str(self.folder / "buckets"), "--addr", self.site.address(self.name)]

    def _variables(self) -> dict[str, str]:
        """The keys, which on the command line everybody of this machine could read."""
        return {"RCLONE_AUTH_KEY": f'"{self.site.access_key},{self.site.secret_key}"', "RCLONE_CONFIG": os.devnull}

    def stop(self) -> None:
        """Ends it."""
        self._daemon.stop()


def _rclone() -> str:
    # The wheel's is beside Python, and on the path only where the environment was activated.
    found = shutil.which("rclone", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}")
    if found is None:
        raise UserError(f"the services need rclone, which is not installed; type: {INSTALL}")
    return found
