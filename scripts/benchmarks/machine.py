"""The machine that a benchmark ran on, in one line."""

import os
import pathlib
import platform
import re


def description():
    try:
        match = re.search(r"model name\s*: (.*)", pathlib.Path("/proc/cpuinfo").read_text())
    except OSError:
        match = None
    model = match.group(1) if match else platform.processor() or platform.machine()
    return f"{model}, {os.cpu_count()} cores, {platform.system()}"
