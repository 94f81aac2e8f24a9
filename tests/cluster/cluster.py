"""A Kubernetes cluster of one node, for tests: etcd, containerd and dnsmasq from Debian, Kubernetes
from build-kubernetes. It runs in network, mount and process namespaces of its own, so that nothing
of it is left when the first process ends."""

import functools
import json
import os
import pathlib
import subprocess
import threading
import time

import harness

ADDRESS = "10.250.0.1"
SERVICES = "10.96.0.0/16"
DNS = "10.96.0.10"
PODS = "10.251.0.0/24"
API = f"https://{ADDRESS}:16443"
TOKEN = "of-this-test"
DOMAIN = "cluster.local"


def sh(*words, **options):
    subprocess.run([str(w) for w in words], check=True, **options)


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


# Each look starts a program.
wait_for = functools.partial(harness.wait_for, pause=0.2)


class Cluster:
    """`dir` holds everything; `programs` is build-kubernetes' bin, `kubectl` the client."""

    def __init__(self, directory, programs, kubectl):
        self.dir, self.bin, self.client = pathlib.Path(directory), pathlib.Path(programs), kubectl
        self.processes = {}
        self.kubeconfig = write(self.dir / "kubeconfig", self.config_of(TOKEN))

    @staticmethod
    def config_of(token):
        return json.dumps(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "current-context": "c",
                "clusters": [{"name": "c", "cluster": {"server": API, "insecure-skip-tls-verify": True}}],
                "users": [{"name": "u", "user": {"token": token}}],
                "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
            }
        )

    def spawn(self, name, *words):
        with open(self.dir / f"{name}.log", "ab") as log:
            self.processes[name] = subprocess.Popen(
                [str(w) for w in words], stdout=log, stderr=log, stdin=subprocess.DEVNULL
            )

    def check_alive(self):
        for name, process in self.processes.items():
            if process.poll() is not None:
                log = (self.dir / f"{name}.log").read_text(errors="replace")[-2000:]
                raise RuntimeError(f"{name} ended with {process.returncode}: {log}")
        return True

    def kubectl(self, *words, check=True, text=None):
        done = subprocess.run(
            [str(self.client), "--kubeconfig", str(self.kubeconfig), *map(str, words)],
            capture_output=True, text=True, check=False, input=text,
            env=dict(os.environ, HOME=str(self.dir)),
        )  # fmt: skip
        if check and done.returncode != 0:
            raise RuntimeError(f"kubectl {' '.join(map(str, words))}: {done.stderr[-2000:]}")
        return done.stdout

    def get(self, *words):
        return json.loads(self.kubectl("get", *words, "-o", "json"))

    # --- start ---

    def start(self):
        self.network()
        self.control_plane()
        self.node()
        wait_for(self.is_ready, 120, "the node is ready")
        threading.Thread(target=self.keep_names, daemon=True).start()

    def network(self):
        sh("ip", "link", "set", "lo", "up")
        sh("ip", "link", "add", "q0", "type", "veth", "peer", "name", "q1")
        sh("ip", "address", "add", f"{ADDRESS}/24", "dev", "q0")
        sh("ip", "link", "set", "q0", "up")
        sh("ip", "link", "set", "q1", "up")
        sh("ip", "route", "add", "default", "via", "10.250.0.2", "dev", "q0", "onlink")
        sh("ip", "address", "add", f"{DNS}/32", "dev", "lo")
        pathlib.Path("/proc/sys/net/ipv4/ip_forward").write_text("1")

    def control_plane(self):
        keys, d = self.dir / "keys", self.dir
        keys.mkdir(parents=True, exist_ok=True)
        sh("openssl", "genrsa", "-out", keys / "sa.key", "2048", stderr=subprocess.DEVNULL)
        write(keys / "tokens.csv", f"{TOKEN},admin,1,system:masters\n")
        self.spawn(
            "etcd", "etcd", "--data-dir", d / "etcd", "--listen-client-urls", "http://127.0.0.1:23790",
            "--advertise-client-urls", "http://127.0.0.1:23790",
            "--listen-peer-urls", "http://127.0.0.1:23800", "--unsafe-no-fsync=false",
        )  # fmt: skip
        self.spawn(
            "apiserver", self.bin / "kube-apiserver", "--etcd-servers=http://127.0.0.1:23790",
            "--bind-address=0.0.0.0", f"--advertise-address={ADDRESS}", "--secure-port=16443",
            "--insecure-port=0", f"--cert-dir={d}/apiserver", f"--token-auth-file={keys}/tokens.csv",
            "--authorization-mode=RBAC", f"--service-account-key-file={keys}/sa.key",
            f"--service-account-signing-key-file={keys}/sa.key", f"--service-account-issuer={API}",
            f"--service-cluster-ip-range={SERVICES}", "--allow-privileged=true",
            "--kubelet-preferred-address-types=InternalIP",
        )  # fmt: skip
        wait_for(lambda: self.check_alive() and "ok" in self.kubectl("get", "--raw", "/readyz", check=False),
                 120, "the API server is ready")  # fmt: skip
        for name, more in (
            ("kube-controller-manager", [f"--service-account-private-key-file={keys}/sa.key",
                                         "--use-service-account-credentials=false"]),
            ("kube-scheduler", []),
        ):  # fmt: skip
            self.spawn(
                name, self.bin / name, "--leader-elect=false", "--port=0", f"--cert-dir={d}/{name}",
                f"--kubeconfig={self.kubeconfig}", *more,
            )  # fmt: skip

    def node(self):
        d = self.dir
        cni = [
            {"type": "ptp", "ipMasq": False,
             "ipam": {"type": "host-local", "dataDir": f"{d}/ipam", "ranges": [[{"subnet": PODS}]],
                      "routes": [{"dst": "0.0.0.0/0"}]}},
            {"type": "portmap", "capabilities": {"portMappings": True}},
        ]  # fmt: skip
        write(d / "cni/10-ptp.conflist", json.dumps({"cniVersion": "0.4.0", "name": "pods", "plugins": cni}))
        write(
            d / "containerd.toml",
            f"""version = 2
root = "{d}/containerd"
state = "{d}/containerd-run"
oom_score = 0
[grpc]
  address = "{d}/containerd.sock"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "qtaskdist-check/pause:1"
  disable_apparmor = true
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "{d}/cni"
""",
        )
        self.spawn("containerd", "containerd", "--config", d / "containerd.toml")
        wait_for(lambda: self.check_alive() and self.ctr("version", check=False), 60, "containerd answers")
        write(
            d / "kubelet.yaml",
            json.dumps(
                {
                    "apiVersion": "kubelet.config.k8s.io/v1beta1",
                    "kind": "KubeletConfiguration",
                    "address": "0.0.0.0",
                    "authentication": {"anonymous": {"enabled": True}, "webhook": {"enabled": False}},
                    "authorization": {"mode": "AlwaysAllow"},
                    "cgroupDriver": "cgroupfs",
                    "cgroupsPerQOS": False,
                    "enforceNodeAllocatable": [],
                    "oomScoreAdj": 0,
                    "failSwapOn": False,
                    "clusterDNS": [DNS],
                    "clusterDomain": DOMAIN,
                    "resolvConf": str(write(d / "resolv.conf", "")),
                    "evictionHard": {"memory.available": "100Mi"},
                }
            ),
        )
        self.spawn(
            "kube-proxy", self.bin / "kube-proxy", "--proxy-mode=iptables", f"--kubeconfig={self.kubeconfig}",
            "--hostname-override=node", "--conntrack-max-per-core=0", "--conntrack-min=0",
            "--conntrack-tcp-timeout-established=0", "--conntrack-tcp-timeout-close-wait=0",
            f"--cluster-cidr={PODS}",
        )  # fmt: skip
        self.spawn(
            "kubelet", self.bin / "kubelet", f"--config={d}/kubelet.yaml", f"--kubeconfig={self.kubeconfig}",
            "--container-runtime=remote", f"--container-runtime-endpoint=unix://{d}/containerd.sock",
            "--hostname-override=node", f"--node-ip={ADDRESS}", f"--root-dir={d}/kubelet",
            f"--cert-dir={d}/kubelet-pki",
        )  # fmt: skip
        self.hosts = write(d / "hosts", "")
        self.spawn(
            "dnsmasq", "/usr/sbin/dnsmasq", "--keep-in-foreground", "--no-resolv", "--no-hosts", "--conf-file=/dev/null",
            f"--listen-address={DNS}", "--bind-interfaces", f"--addn-hosts={self.hosts}", "--local-ttl=1",
            f"--local=/{DOMAIN}/", "--user=root", f"--pid-file={d}/dnsmasq.pid", "--max-cache-ttl=1",
        )  # fmt: skip

    def ctr(self, *words, check=True):
        done = subprocess.run(
            ["ctr", "--address", f"{self.dir}/containerd.sock", "-n", "k8s.io", *map(str, words)],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        if check and done.returncode != 0:
            raise RuntimeError(f"ctr {words}: {done.stderr}")
        return done.stdout

    def is_ready(self):
        self.check_alive()
        conditions = [
            c for node in json.loads(self.kubectl("get", "nodes", "-o", "json", check=False) or '{"items":[]}')["items"]
            for c in node["status"]["conditions"]
        ]  # fmt: skip
        return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)

    def keep_names(self):
        """Services get their address, headless ones all ready pods', as CoreDNS would tell them."""
        while True:
            try:
                lines = self.names()
            except (RuntimeError, ValueError):
                lines = None
            if lines is not None and self.hosts.read_text() != lines:
                self.hosts.write_text(lines)
                self.processes["dnsmasq"].send_signal(1)
            time.sleep(0.5)

    def names(self):
        found = []
        endpoints = {
            (e["metadata"]["namespace"], e["metadata"]["name"]): [
                a["ip"] for s in e.get("subsets") or [] for a in s.get("addresses") or []
            ]
            for e in self.get("endpoints", "-A")["items"]
        }
        for service in self.get("services", "-A")["items"]:
            key = (service["metadata"]["namespace"], service["metadata"]["name"])
            address = service["spec"].get("clusterIP")
            for one in endpoints.get(key, []) if address == "None" else [address]:
                found.append(f"{one} {key[1]}.{key[0]}.svc.{DOMAIN}")
        return "\n".join(sorted(found)) + "\n"

    def stop(self):
        for name in reversed(list(self.processes)):
            self.processes[name].terminate()
