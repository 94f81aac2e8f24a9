"""A Docker engine and images for tests: the one of DOCKER_HOST, or one of its own, started from
Debian's packages in a private directory, with a base image made from Debian's archive."""

import atexit
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
HERE = ROOT / "tests/containers"
DOCKER = "/usr/bin/docker"
BASE = "debian:bookworm-slim"
IMAGES = "qtaskdist"
SERVICES = ("gateway", "task-svc", "queue-svc", "sim-svc", "backend-svc")
STORES = {"postgres": "15-bookworm", "redis": "7-bookworm", "prometheus": "v2"}
SKIPPED = 77
EXCLUDED = ("doc", "man", "locale", "info")


def skip(why):
    print(f"skipped: {why}")
    sys.exit(SKIPPED)


def docker(*words, check=True, **options):
    """What the command prints."""
    done = subprocess.run(
        [DOCKER, *map(str, words)], capture_output=True, text=True, check=False, **options
    )
    if check and done.returncode != 0:
        raise RuntimeError(f"docker {' '.join(map(str, words))}: {done.stderr[-2000:]}")
    return done.stdout.strip()


def mounts_below(directory):
    with open("/proc/mounts", encoding="utf-8") as lines:
        return [line.split()[1] for line in lines if line.split()[1].startswith(f"{directory}/")]


def remove(directory):
    """Deletes a directory of an engine that ended; never through what is still mounted below it."""
    for path in reversed(mounts_below(directory)):
        subprocess.run(["umount", path], check=False)
    if mounts_below(directory):
        print(f"left there, because of what is mounted below: {directory}", file=sys.stderr)
    else:
        shutil.rmtree(directory, ignore_errors=True)


class Engine:
    """containerd and dockerd of our own. State and images are below `dir`."""

    def __init__(self, directory):
        self.dir = pathlib.Path(directory)
        self.processes = []

    def start(self):
        self.dir.mkdir(parents=True, exist_ok=True)
        socket = self.dir / "cd.sock"
        self.spawn(
            "containerd", "--root", self.dir / "cd", "--state", self.dir / "cds", "--address", socket
        )  # fmt: skip
        self.spawn(
            "dockerd", "--containerd", socket, "-H", f"unix://{self.dir}/d.sock",
            "--data-root", self.dir / "root", "--exec-root", self.dir / "exec",
            "-p", self.dir / "dockerd.pid", "--exec-opt", "native.cgroupdriver=cgroupfs",
            "--storage-driver", "overlay2", "--default-ulimit", "nofile=1024:1024",
            "--bip", "10.200.0.1/16", "--default-address-pool", "base=10.201.0.0/16,size=24",
        )  # fmt: skip
        os.environ["DOCKER_HOST"] = f"unix://{self.dir}/d.sock"
        end = time.monotonic() + 60
        while subprocess.run([DOCKER, "version"], capture_output=True, check=False).returncode != 0:
            dead = [p.args[0] for p in self.processes if p.poll() is not None]
            if dead or time.monotonic() > end:
                self.stop()
                skip(f"no Docker engine here: {dead or 'dockerd'} does not run ({self.dir}/dockerd.log)")
            time.sleep(0.2)

    def spawn(self, *words):
        with open(self.dir / f"{words[0]}.log", "ab") as log:
            self.processes.append(
                subprocess.Popen([str(w) for w in words], stdout=log, stderr=log, start_new_session=True)
            )

    def stop(self):
        for process in reversed(self.processes):
            process.terminate()
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                process.kill()
        self.processes = []


def start():
    """Finds or starts an engine."""
    if os.environ.get("DOCKER_HOST"):
        if subprocess.run([DOCKER, "version"], capture_output=True, check=False).returncode != 0:
            skip("the engine of DOCKER_HOST does not answer")
        return None
    if os.geteuid() != 0:
        skip("starting a Docker engine needs root; or set DOCKER_HOST")
    missing = [p for p in ("dockerd", "containerd", "runc", "iptables") if not shutil.which(p)]
    if missing or not os.path.exists(DOCKER):
        skip(f"{', '.join(missing) or DOCKER} not there: scripts/install-deps containers")
    kept = os.environ.get("QT_DOCKER_DIR")
    directory = kept or tempfile.mkdtemp(prefix="qtaskdist-docker-", dir="/var/tmp")
    engine = Engine(directory)
    engine.start()

    def finish():
        engine.stop()
        if not kept:
            remove(directory)

    atexit.register(finish)
    return engine


def has_image(name):
    return bool(docker("images", "-q", name))


def make_base():
    """Debian's minimal system, as the official slim image is."""
    if has_image(BASE):
        return
    if not shutil.which("mmdebstrap"):
        skip("mmdebstrap is not there: scripts/install-deps containers")
    sources = pathlib.Path("/etc/apt/sources.list.d/debian.sources")
    with tempfile.TemporaryDirectory(prefix="qtaskdist-base-") as work:
        words = ["mmdebstrap", "--quiet", "--variant=minbase", "--include=ca-certificates"]
        words += [f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in EXCLUDED]
        words += ["bookworm", f"{work}/base.tar"] + ([str(sources)] if sources.exists() else [])
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            skip(f"no base image can be made: {done.stderr[-300:]}")
        docker("import", "-c", 'CMD ["/bin/bash"]', f"{work}/base.tar", BASE)


def build(context, dockerfile, target, name, **args):
    words = ["build", "--progress", "plain", "-f", dockerfile, "--target", target, "-t", name]
    for key, value in args.items():
        words += ["--build-arg", f"{key}={value}"]
    docker(*words, context, env=dict(os.environ, DOCKER_BUILDKIT="1"))


def sources(directory):
    """The tracked and new files of the tree, which do not change while images are built."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split("\n")
    present = [name for name in listed if name and (ROOT / name).is_file()]
    for name in present:
        to = pathlib.Path(directory) / name
        to.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, to)


def build_images(tag):
    with tempfile.TemporaryDirectory(prefix="qtaskdist-context-") as context:
        sources(context)
        dockerfile = f"{context}/docker/Dockerfile"
        for target in ("build", *SERVICES, "cli"):
            build(context, dockerfile, target, f"{IMAGES}/{target}:{tag}", VERSION=tag)


def build_stores():
    for name, tag in STORES.items():
        image = f"qtaskdist-check/{name}:{tag}"
        if not has_image(image):
            build(HERE, HERE / "Dockerfile.stores", name, image)


def build_next(tag, next_tag):
    """Images of a version with one more migration."""
    with tempfile.TemporaryDirectory(prefix="qtaskdist-next-") as work:
        build_image = f"{IMAGES}/build:{tag}"
        names = docker("run", "--rm", build_image, "ls", "/src/services/task-svc/migrations")
        newest = max(int(name.split("_")[0]) for name in names.split())
        pathlib.Path(work, "next.sql").write_text(
            f"-- oldest-program: {newest}\n"
            "ALTER TABLE task_active ADD COLUMN next_note text;\n"
            "ALTER TABLE task_done ADD COLUMN next_note text;\n"
        )
        for name in SERVICES:
            build(
                work, HERE / "Dockerfile.next", name, f"{IMAGES}/{name}:{next_tag}",
                IMAGES=IMAGES, FROM_TAG=tag, MIGRATION=f"{newest + 1:04}",
            )  # fmt: skip
