"""What a run is called and which kind it is, told from its command line. Pure."""

from __future__ import annotations

from collector.ids import slug

_WRAPPERS = frozenset({"sudo", "env", "time", "nice", "nohup", "uv", "uvx", "npx", "poetry", "pipx"})
_SHELLS = frozenset({"sh", "bash", "dash", "zsh", "fish"})
_TEST_WORDS = frozenset({
    "pytest", "unittest", "nosetests", "tox", "nox", "jest", "vitest", "mocha", "ava", "rspec", "ctest",
    "phpunit", "gotestsum", "playwright", "test", "tests", "check", "e2e",
})  # fmt: skip
_BUILD_WORDS = frozenset({
    "make", "cmake", "ninja", "gcc", "g++", "clang", "cc", "rustc", "javac", "tsc", "webpack", "vite",
    "msbuild", "build", "compile", "bazel", "gradle", "mvn", "restore", "publish", "pack",
})  # fmt: skip
_GENERATE_WORDS = frozenset({"generate", "codegen", "scaffold", "protoc", "create-react-app"})
_BY_WORDS = (("test", _TEST_WORDS), ("build", _BUILD_WORDS), ("generate", _GENERATE_WORDS))

SECRET_WORDS = ("TOKEN", "SECRET", "PASSW", "PASSPHRASE", "API_KEY", "APIKEY", "PRIVATE", "CREDENTIAL",
                "ACCESS_KEY", "AUTH", "COOKIE")  # fmt: skip
DEFAULT_ENVIRONMENT = (
    "PATH", "SHELL", "LANG", "CI", "VIRTUAL_ENV", "NODE_ENV", "JAVA_HOME", "DOTNET_CLI_TELEMETRY_OPTOUT",
)  # fmt: skip
MAX_VARIABLES = 50
_SAFE = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789@%+=:,./-_")


def quote(argument: str) -> str:
    """Quote one argument as a POSIX shell needs it; `shlex` would import `re`."""
    if argument and all(c in _SAFE for c in argument):
        return argument
    return "'" + argument.replace("'", "'\"'\"'") + "'"


def command_line(argv: list[str]) -> str:
    """Return the command as one would type it. `sh -c LINE` is shown as LINE."""
    if len(argv) == 3 and _base(argv[0]) in _SHELLS and argv[1] in ("-c", "-lc", "-ec"):
        return argv[2]
    return " ".join([quote(argument) for argument in argv])


def task_name(argv: list[str]) -> str:
    """Return a short name for a command: its program, or the module or script that it runs."""
    words = [word for word in _words(argv) if not word.startswith("-")]
    while len(words) > 1 and (words[0] in _WRAPPERS or "=" in words[0]):
        words = words[1:]
    first = words[0] if words else "run"
    if first.startswith("python") and "-m" in argv:
        position = argv.index("-m") + 1
        first = argv[position] if position < len(argv) else first
    return slug(first) or "run"


def guess_type(argv: list[str]) -> str:
    """Return `test`, `build`, `generate` or `command`."""
    words = [word.partition(":")[0] for word in _words(argv)[:6]]
    for kind, known in _BY_WORDS:
        if any(word in known for word in words):
            return kind
    return "command"


def _words(argv: list[str]) -> list[str]:
    """Return the words that may say what a command does, as base names."""
    if len(argv) >= 3 and _base(argv[0]) in _SHELLS and argv[1] in ("-c", "-lc", "-ec"):
        argv = argv[2].split()
    return [_base(word) for word in argv] or ["run"]


def _base(word: str) -> str:
    return word.rstrip("/").rpartition("/")[2].lower()


def select_environment(environ: dict[str, str], extra: tuple[str, ...]) -> dict[str, str]:
    """Return the variables worth keeping: an allow-list, and never one that looks like a secret."""
    allowed = {*DEFAULT_ENVIRONMENT, *extra}
    chosen = {
        name: value
        for name, value in environ.items()
        if (name in allowed or name.startswith("ACODE_")) and not looks_secret(name)
    }
    return dict(sorted(chosen.items())[:MAX_VARIABLES])


def looks_secret(name: str) -> bool:
    """Tell whether a variable's name says that its value is one."""
    upper = name.upper()
    return any(word in upper for word in SECRET_WORDS) or upper.endswith("_KEY")
