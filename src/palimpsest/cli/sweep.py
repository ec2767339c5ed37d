"""`palimpsest sweep FILE`: queues the experiments of a grid that are missing."""

import argparse
from pathlib import Path

from palimpsest.core.config import nested, read_yaml
from palimpsest.core.extras import require
from palimpsest.core.parameters import Parameters
from palimpsest.experiments import sweep
from palimpsest.experiments.project import dvc, planned_chain
from palimpsest.experiments.revisions import experiments, read_parameters

DESCRIPTION = (
    "Queues (`dvc exp run --queue`) what neither ran nor waits. The file has `grid` (parameter: "
    "list of values, all combinations) and `variants` (a list of parameter: value sets, each "
    "combined with the whole grid), or one of them."
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments."""
    parser.add_argument("file", type=Path, help="YAML")
    parser.add_argument("--dry-run", action="store_true", help="say what would be queued")


def run(args: argparse.Namespace) -> int:
    """Plans, queues and says what is next.

    Raises:
        ParamsError: the file is no grid, names a parameter that params.yaml does not have, gives
            one a value that it cannot have, or human text would not last for the chain.
        ProjectError: DVC or git said no; what was queued before stays queued.
        InstallationError: the laboratory is not installed.
    """
    require("dvc")
    root = Path.cwd()
    parameters = read_parameters(root / "params.yaml")
    plan = sweep.planned(read_yaml(args.file), parameters, str(args.file))
    last, control = planned_chain(root, None, None)
    for overrides in plan:
        Parameters.of(nested(parameters | overrides)).check_reserve(last, control)
    chain = sweep.chain_bytes(root)
    named = {sweep.name_of(one, parameters | one, chain): one for one in plan}
    hashes = {name: sweep.hash_of(name) for name in named}
    ran = {sweep.hash_of(name): name for name in experiments(root)}
    states = sweep.queue_states(root)
    known = {name: states.get(hashes[name], ("", "")) for name in named if hashes[name] not in ran}
    waiting = [name for name in known if known[name][1] in sweep.WAITING]
    missing = [name for name in known if name not in waiting]
    failed = [known[name][0] for name in missing if known[name][1] == sweep.FAILED]
    with sweep.own_dependencies(root, Parameters.of(nested(parameters))) as depend_on:
        for name in missing:
            words = [f"{key}={sweep.hydra(value)}" for key, value in named[name].items()]
            print(f"{'would queue' if args.dry_run else 'queue'} {name}: {' '.join(words)}")
            if not args.dry_run:
                depend_on(Parameters.of(nested(parameters | named[name])))
                dvc(root, "exp", "run", "--queue", "--name", name, *(f"-S{word}" for word in words))
    done = len(named) - len(known)
    now = "missing" if args.dry_run else "queued now"
    print(f"{len(named)} chains: {done} done, {len(waiting)} waiting, {len(missing)} {now}")
    if failed:
        print(f"failed before: {' '.join(failed)}; dvc queue logs NAME says why")
    if known:
        print("next: dvc queue start; its workers may stop with tasks left, so look at dvc queue")
        print("status afterwards, and run this again")
    else:
        print(f"next: palimpsest compare {' '.join(ran[one] for one in hashes.values())}")
    return 0
