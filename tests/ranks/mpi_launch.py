# SPDX-License-Identifier: Apache-2.0
"""Command lines of the two launchers. Names of programs are Debian's, where both MPIs are installed side by side."""
import shutil
import sys

# Open MPI's launcher counts processors and refuses root; the tests have more ranks than processors, and run in containers.
OPENMPI = ["mpirun.openmpi", "--allow-run-as-root", "--oversubscribe", "--bind-to", "none"]
PROGRAMS = {"openmpi": OPENMPI, "mpich": ["mpirun.mpich"]}


def launcher(mpi):
    """The launcher with the options that every test needs."""
    name, *options = PROGRAMS[mpi]
    path = shutil.which(name)
    if not path:
        sys.exit(f"{name} is not installed; scripts/packages test says what the tests need")
    return [path, *options]


def command(mpi, ranks, *program):
    return [*launcher(mpi), "-n", str(ranks), *map(str, program)]
