"""What real clients do when a socket call fails: which, where to, and under which failures.

The clients are in the image of the guest `clients`, their services in `errnolab/services`
or in the server itself. `lab.clients` measures them and `lab.clients_page` writes
docs/clients.md from what was measured.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass

from lab.topology import ECHO_PORT

# Where the programs of images/clients/programs are in the image.
PROGRAMS = "/opt/clients"


@dataclass(frozen=True)
class Service:
    """What a client talks to. The lab's own are in every server; the others are of an image."""

    name: str
    port: int
    ours: bool = False
    udp: bool = False


ECHO = Service("echo", ECHO_PORT, ours=True)
WEB = Service("HTTP", 8080, ours=True)
SSH = Service("SSH", 2222)
POSTGRESQL = Service("PostgreSQL", 5432)
REDIS = Service("Redis", 6379)
MARIADB = Service("MariaDB", 3306)
MQTT = Service("MQTT", 1883)
GIT = Service("git", 9418)
RSYNC = Service("rsync", 8730)
DNS = Service("DNS", 5300, udp=True)


@dataclass(frozen=True)
class Client:
    """One row: a command that is told where to go as `errnolab try` tells it.

    `version` is a command that prints the version, `source` where it comes from, `note`
    what a reader must know to read its row. `at_first`: what went wrong is in the first line
    that it prints to stderr, and not in the last.
    """

    name: str
    command: str
    version: str
    service: Service
    source: str = "Debian"
    stdin: str = ""
    note: str = ""
    at_first: bool = False

    @property
    def argv(self) -> list[str]:
        """Return the words of the command."""
        return shlex.split(self.command)


@dataclass(frozen=True)
class Column:
    """A failure: a scenario, what it is called on the page, and how long a client is waited for.

    `table` says in which of the page's tables it is.
    """

    scenario: str
    title: str
    patience_s: float
    table: str = "failure"

    def is_of(self, row: str) -> bool:
        """Tell whether a row of a try is this column's: cases with one fault share a row."""
        return row.partition(".")[0] == self.scenario.partition(".")[0]


# A kernel with its own settings gives up a connect after two minutes and a little, and
# libraries that limit the wait for an answer do it after 60 s at most, or twice that.
KERNEL_S, ANSWER_S, QUICK_S = 150.0, 130.0, 20.0
HEALTH = "health"
COLUMNS = (
    Column("refused", "refused", QUICK_S),
    Column("timeout", "no answer to the SYN", KERNEL_S),
    Column("host_unreachable", "host unreachable", QUICK_S),
    Column("net_unreachable", "network unreachable", QUICK_S),
    Column("prohibited", "prohibited", QUICK_S),
    Column("reset", "reset", QUICK_S),
    Column("service_silent", "silent after accept", ANSWER_S),
    Column("service_closes.after_request", "closed without an answer", QUICK_S),
    Column("ipv6_black_hole", "IPv6 drops all, IPv4 is well", KERNEL_S, "fallback"),
    Column("first_address_dead", "the first of two addresses is dead", KERNEL_S, "next"),
    Column("heals.refused_new_sockets", "refused, then well", QUICK_S, "retry"),
)


def _debian(package: str) -> str:
    return f"dpkg-query -W -f '${{Version}}' {package}"


def _pypi(package: str) -> str:
    code = f"import importlib.metadata as m; print(m.version({package!r}))"
    return shlex.join(["python3", "-c", code])


def _python(name: str, file: str, service: Service, package: str = "", note: str = "") -> Client:
    return Client(
        name, f"python3 {PROGRAMS}/python_{file}.py", _pypi(package) if package else PYTHON,
        service, "PyPI" if package else "Debian", note=note,
    )  # fmt: skip


def _node(name: str, node: str, file: str, service: Service, source: str) -> Client:
    return Client(name, f"{node} {PROGRAMS}/node_{file}.mjs", f"{node} --version", service, source)


def _java(name: str, main: str, service: Service) -> Client:
    return Client(name, f"java -cp {PROGRAMS} {main}", "java --version", service)


def _script(name: str, interpreter: str, file: str, version: str, service: Service) -> Client:
    return Client(name, f"{interpreter} {PROGRAMS}/{file}", version, service)


def _compiled(name: str, file: str, service: Service, source: str) -> Client:
    language = file.partition("_")[0]
    return Client(name, f"{PROGRAMS}/{file}", f"grep ^{language} {PROGRAMS}/versions", service,
                  source)  # fmt: skip


PYTHON, PERL, PHP, RUBY = "python3 --version", "perl -v", "php --version", "ruby --version"
LWP = "perl -MLWP -e 'print LWP->VERSION'"
TINY = "perl -MHTTP::Tiny -e 'print HTTP::Tiny->VERSION'"
LUA = """lua5.4 -e 'print(require("socket")._VERSION)'"""

CLIENTS = (
    Client("curl", "curl -sS {URL}", "curl --version", WEB),
    Client("wget", "wget -nv -O- {URL}", "wget --version", WEB),
    Client("nc (OpenBSD)", "nc.openbsd -N {SERVER} {PORT}", _debian("netcat-openbsd"), ECHO,
           stdin="hi"),
    Client("ncat", "ncat {SERVER} {PORT}", "ncat --version", ECHO, stdin="hi"),
    Client("socat", "socat - TCP:{SERVER}:{PORT}", "socat -V", ECHO, stdin="hi"),
    _script("bash /dev/tcp", "bash", "bash_tcp.sh", "bash --version", ECHO),
    Client("ssh", "ssh -p {PORT} {SERVER} true", "ssh -V", SSH),
    Client("git", "git ls-remote git://{SERVER}:{PORT}/repository", "git --version", GIT),
    Client("rsync", "rsync rsync://{SERVER}:{PORT}/files/", "rsync --version", RSYNC,
           at_first=True),
    Client("psql", "psql -h {SERVER} -p {PORT} -U errnolab -c 'select 1'", "psql --version",
           POSTGRESQL, at_first=True),
    Client("mariadb", "mariadb -h {SERVER} -P {PORT} -u errnolab -e 'select 1'",
           _debian("mariadb-client-core"), MARIADB),
    Client("redis-cli", "redis-cli -h {SERVER} -p {PORT} ping", "redis-cli --version", REDIS),
    Client("mosquitto_pub", "mosquitto_pub -h {SERVER} -p {PORT} -t errnolab -m hi",
           _debian("mosquitto-clients"), MQTT),
    Client("dig", "dig @{SERVER} -p {PORT} errnolab.test", "dig -v", DNS, note="over UDP"),
    _python("Python socket", "socket", ECHO),
    _python("Python asyncio", "asyncio", ECHO),
    _python("Python http.client", "http_client", WEB),
    _python("Python urllib.request", "urllib", WEB),
    _python("urllib3", "urllib3", WEB, "urllib3"),
    _python("Requests", "requests", WEB, "requests"),
    _python("HTTPX", "httpx", WEB, "httpx"),
    _python("aiohttp", "aiohttp", WEB, "aiohttp"),
    _python("redis-py", "redis", REDIS, "redis"),
    _python("Psycopg", "psycopg", POSTGRESQL, "psycopg"),
    _python("PyMySQL", "pymysql", MARIADB, "pymysql"),
    _node("Node.js 24 net", "node24", "net", ECHO, "PyPI"),
    _node("Node.js 24 http", "node24", "http", WEB, "PyPI"),
    _node("Node.js 24 fetch", "node24", "fetch", WEB, "PyPI"),
    _node("Node.js 18 net", "node", "net", ECHO, "Debian"),
    _node("Node.js 18 fetch", "node", "fetch", WEB, "Debian"),
    _java("Java Socket", "JavaSocket", ECHO),
    _java("Java HttpURLConnection", "JavaUrlConnection", WEB),
    _java("Java HttpClient", "JavaHttpClient", WEB),
    _compiled("Go net.Dial", "go_net", ECHO, "PyPI"),
    _compiled("Go net/http", "go_http", WEB, "PyPI"),
    _compiled("Rust TcpStream", "rust_net", ECHO, "Debian"),
    _script("Perl IO::Socket::IP", "perl", "perl_ip.pl", PERL, ECHO),
    _script("Perl HTTP::Tiny", "perl", "perl_tiny.pl", TINY, WEB),
    _script("Perl LWP", "perl", "perl_lwp.pl", LWP, WEB),
    _script("PHP fsockopen", "php", "php_fsockopen.php", PHP, ECHO),
    _script("PHP file_get_contents", "php", "php_file.php", PHP, WEB),
    _script("PHP curl", "php", "php_curl.php", PHP, WEB),
    _script("Ruby TCPSocket", "ruby", "ruby_tcp.rb", RUBY, ECHO),
    _script("Ruby Net::HTTP", "ruby", "ruby_http.rb", RUBY, WEB),
    _script("LuaSocket", "lua5.4", "lua_socket.lua", LUA, ECHO),
    _script("Tcl socket", "tclsh", "tcl_socket.tcl", "echo 'puts $tcl_patchLevel' | tclsh", ECHO),
)  # fmt: skip
