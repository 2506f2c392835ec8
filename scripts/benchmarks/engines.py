"""The WebAssembly engines that the kernels are timed on. Each loads a module and calls its export `run`.

Times are processor times: no engine uses a second thread to run, and what other processes do hardly shows in them.
"""

import importlib.metadata
import os
import re
import resource
import shutil
import subprocess
import time


class Unavailable(Exception):
    """The engine is not installed, or cannot run a module; the text says why."""


def children_time():
    """Processor time of all processes that have run and ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


class ProcessEngine:
    """An engine that is a command of its own.

    Its time for a kernel is that of the process less that of a process which calls an empty function, measured right
    before: start, loading and (lazily done) translation of a few functions are as good as equal in both.
    """

    def __init__(self, command, empty):
        if not shutil.which(command):
            raise Unavailable(f"no command '{command}'")
        self.command = command
        self.empty = empty

    def load(self, path):
        self.call(path, 0)  # Says at once whether the module can run.

        def run(count):
            empty, _ = self.call(self.empty, 0)
            seconds, output = self.call(path, count)
            return self.result(output), seconds - empty

        return run

    def call(self, path, count):
        environment = dict(os.environ, SWIFT_BACKTRACE="enable=no")
        start = children_time()
        process = subprocess.run(self.arguments(path, count), capture_output=True, text=True, env=environment)
        seconds = children_time() - start
        if process.returncode != 0:
            raise Unavailable((process.stderr.strip().splitlines() or [f"exit code {process.returncode}"])[-1])
        return seconds, process.stdout

    def result(self, output):
        return int(re.search(r"i32[:(](-?\d+)", output).group(1)) % 2**32


class StableFuzz(ProcessEngine):
    """Times calls itself (`invoke --time`); builds that cannot are timed from outside."""

    def __init__(self, command, empty):
        super().__init__(command, empty)
        self.version = ""
        usage = subprocess.run([command, "invoke", "--help"], capture_output=True, text=True).stdout
        self.times_itself = "--time" in usage

    def arguments(self, path, count):
        return [self.command, "invoke", path, "run", str(count)]

    def load(self, path):
        if not self.times_itself:
            return super().load(path)
        self.call(path, 0)

        def run(count):
            process = subprocess.run(
                [self.command, "invoke", "--time", path, "run", str(count)], capture_output=True, text=True)
            if process.returncode != 0:
                raise Unavailable(process.stderr.strip())
            nanoseconds = int(re.search(r"time: (\d+) ns", process.stderr).group(1))
            return self.result(process.stdout), nanoseconds / 1e9

        return run


class WasmKit(ProcessEngine):
    def __init__(self, command, empty):
        super().__init__(command, empty)
        process = subprocess.run([command, "--version"], capture_output=True, text=True)
        self.version = process.stdout.strip()

    def arguments(self, path, count):
        return [self.command, "run", path, "run", f"i32:{count}"]


class Library:
    """An engine in this process: loading is not timed, and a first short call translates what is done lazily."""

    def load(self, path):
        with open(path, "rb") as file:
            try:
                function = self.instantiate(file.read())
                function(0)
            except Exception as error:  # What the engines raise has no common type.
                raise Unavailable(str(error).strip().splitlines()[-1]) from error

        def run(count):
            start = time.thread_time()
            result = function(count)
            return result % 2**32, time.thread_time() - start

        return run


class Wasm3(Library):
    def __init__(self):
        try:
            import wasm3
        except ImportError as error:
            raise Unavailable(str(error)) from error
        self.wasm3 = wasm3
        self.version = importlib.metadata.version("pywasm3")

    def instantiate(self, module):
        environment = self.wasm3.Environment()
        runtime = environment.new_runtime(1 << 20)
        runtime.load(environment.parse_module(module))
        function = runtime.find_function("run")
        return lambda count, keep=(environment, runtime): function(count)


class Wasmtime(Library):
    """Wasmtime with one of its three ways to execute."""

    # Values of `wasmtime_strategy_t`. The Python API names the first two only, but the library holds the third as well.
    STRATEGIES = {"cranelift": 1, "winch": 2, "pulley": 1}

    def __init__(self, kind):
        try:
            import wasmtime
            from wasmtime import _bindings
        except ImportError as error:
            raise Unavailable(str(error)) from error
        self.wasmtime = wasmtime
        self.version = importlib.metadata.version("wasmtime")
        config = wasmtime.Config()
        _bindings.wasmtime_config_strategy_set(config.ptr(), self.STRATEGIES[kind])
        if kind == "pulley":
            config.target = "pulley64"
        try:
            self.engine = wasmtime.Engine(config)
        except wasmtime.WasmtimeError as error:
            raise Unavailable(str(error)) from error

    def instantiate(self, module):
        store = self.wasmtime.Store(self.engine)
        instance = self.wasmtime.Instance(store, self.wasmtime.Module(self.engine, module), [])
        function = instance.exports(store)["run"]
        return lambda count: function(store, count)


NAMES = ["stablefuzz", "wasmkit", "wasm3", "pulley", "winch", "cranelift"]
NEWER_WASMKIT = "newer wasmkit"


def make(name, options, empty):
    """The engine of a name; raises `Unavailable`."""
    if name == "stablefuzz":
        return StableFuzz(options.program, empty)
    if name == "wasmkit":
        return WasmKit("wasmkit", empty)
    if name == NEWER_WASMKIT:
        return WasmKit(options.newer_wasmkit, empty)
    if name == "wasm3":
        return Wasm3()
    return Wasmtime(name)
