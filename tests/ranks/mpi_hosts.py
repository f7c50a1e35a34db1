# SPDX-License-Identifier: Apache-2.0
"""mpi_hosts.py MPI HOSTS PROGRAM...: runs PROGRAM under mpirun on several hosts, for instance HOSTS node1=2,node2=1 (ranks on each).

The hosts are network namespaces with names of their own, joined by a bridge, all inside one set of namespaces that this program makes
for itself: when it ends, whatever the reason, the kernel ends every process in there and takes networks and mounts away. Instead of
ssh the launchers get a script that enters a host. Last line of output, on stderr: how many bytes each host has sent.

Launchers and daemons talk over these networks, and so do the ranks of Open MPI. Those of MPICH find that they share a machine and
use its memory; kept to TCP, MPICH 4.0 of Debian 12 hangs in MPI_Finalize now and then, which its version 4.2 repaired.

Needs root, or a kernel that lets users make namespaces; says so and fails where neither is given.
"""
import os
import pathlib
import subprocess
import sys

import mpi_launch

NETWORK = "10.251.77"
INSIDE = "DLFW_TEST_INSIDE_NAMESPACES"
SCRATCH = "/mnt"


def enter_namespaces():
    make = ["unshare", "--net", "--uts", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child"]
    if os.geteuid() != 0:
        make.append("--map-root-user")
    probe = subprocess.run([*make, "true"], capture_output=True, text=True)
    if probe.returncode != 0:
        sys.exit(f"this test needs network namespaces, which are not allowed here: {probe.stderr.strip()}")
    os.environ[INSIDE] = "1"
    os.execvp(make[0], [*make, sys.executable, *sys.argv])


def do(*words):
    done = subprocess.run(list(map(str, words)), capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"'{' '.join(map(str, words))}' failed: {done.stderr.strip()}")
    return done.stdout


class Host:
    """A network and a name, held by a process that sleeps."""

    def __init__(self, name, number):
        self.name, self.address = name, f"{NETWORK}.{number}"
        self.holder = subprocess.Popen(["unshare", "--net", "--uts", "sh", "-c", "hostname $0 && echo ready && exec sleep 3600", name],
                                       stdout=subprocess.PIPE)
        if self.holder.stdout.readline() != b"ready\n":
            sys.exit(f"cannot make host '{name}'")
        port = f"port{number}"
        do("ip", "link", "add", port, "type", "veth", "peer", "name", "eth0", "netns", self.holder.pid)
        do("ip", "link", "set", port, "master", "switch", "up")
        do(*self.enter(), "ip", "link", "set", "lo", "up")
        do(*self.enter(), "ip", "addr", "add", f"{self.address}/24", "dev", "eth0")
        do(*self.enter(), "ip", "link", "set", "eth0", "up")

    def enter(self):
        return ["nsenter", "-t", str(self.holder.pid), "-n", "-u"]

    def sent(self):
        for line in do(*self.enter(), "cat", "/proc/net/dev").splitlines():
            if line.strip().startswith("eth0:"):
                return int(line.split()[9])
        raise ValueError("no eth0")


def make_network(names, folder):
    do("hostname", "front")
    do("ip", "link", "set", "lo", "up")
    do("ip", "link", "add", "switch", "type", "bridge")
    do("ip", "addr", "add", f"{NETWORK}.1/24", "dev", "switch")
    do("ip", "link", "set", "switch", "up")
    hosts = [Host(name, number) for number, name in enumerate(names, 2)]
    table = folder / "hosts"
    table.write_text("127.0.0.1 localhost\n" + f"{NETWORK}.1 front\n" + "".join(f"{h.address} {h.name}\n" for h in hosts))
    do("mount", "--bind", table, "/etc/hosts")
    return hosts


def agent_script(hosts, folder):
    """What the launchers call like ssh: AGENT [options] HOST COMMAND..."""
    cases = "".join(f"{h.name}) pid={h.holder.pid} ;;\n" for h in hosts)
    path = folder / "agent"
    path.write_text("#!/bin/sh\nwhile [ \"${1#-}\" != \"$1\" ]; do shift; done\nhost=$1\nshift\ncase $host in\n" + cases +
                    "*) echo \"no host '$host'\" >&2; exit 1 ;;\nesac\nexec nsenter -t $pid -n -u -- /bin/sh -c \"$*\"\n")
    path.chmod(0o755)
    return path


def command(mpi, ranks, agent):
    total = sum(ranks.values())
    if mpi == "openmpi":
        network = ["--mca", "oob_tcp_if_include", f"{NETWORK}.0/24", "--mca", "btl_tcp_if_include", f"{NETWORK}.0/24", "--mca", "btl", "tcp,vader,self",
                   "--mca", "pml", "ob1"]
        return [*mpi_launch.launcher(mpi), "--mca", "plm_rsh_agent", str(agent), *network, "--host", ",".join(f"{n}:{r}" for n, r in ranks.items()),
                "-n", str(total)]
    return [*mpi_launch.launcher(mpi), "-launcher", "ssh", "-launcher-exec", str(agent), "-hosts", ",".join(f"{n}:{r}" for n, r in ranks.items()),
            "-n", str(total)]


def main():
    mpi, hosts_text, *program = sys.argv[1:]
    ranks = {name: int(count) for name, count in (item.split("=") for item in hosts_text.split(","))}
    if INSIDE not in os.environ:
        enter_namespaces()
    os.environ.pop(INSIDE)
    for place in (SCRATCH, "/dev/shm"):  # so that nothing is left behind in them either
        do("mount", "-t", "tmpfs", "tmpfs", place)
    os.environ["TMPDIR"] = SCRATCH
    hosts = make_network(ranks, pathlib.Path(SCRATCH))
    status = subprocess.run([*command(mpi, ranks, agent_script(hosts, pathlib.Path(SCRATCH))), *program]).returncode
    print("sent " + " ".join(f"{h.name}={h.sent()}" for h in hosts), file=sys.stderr, flush=True)
    sys.exit(status if status >= 0 else 128 - status)


if __name__ == "__main__":
    main()
