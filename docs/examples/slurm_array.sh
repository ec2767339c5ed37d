#!/bin/bash
# A chain for each seed, each on a node of its own: sbatch docs/examples/slurm_array.sh
#
#   HUB          the git repository that all share, with a default DVC remote that all can reach
#   ENVIRONMENT  the virtual environment with palimpsest[pipeline]
#   WORK         a folder for the clones, on a disk that outlives a job
#
# A job that is killed or out of time is sent again and goes on: what a stage had finished is there.
#SBATCH --job-name=palimpsest
#SBATCH --array=1-5
#SBATCH --nodes=1
#SBATCH --ntasks=1
#SBATCH --gpus-per-node=8
#SBATCH --cpus-per-task=64
#SBATCH --time=24:00:00
#SBATCH --requeue
#SBATCH --output=palimpsest-%A_%a.log
set -euo pipefail
: "${HUB:?the git repository}" "${ENVIRONMENT:?the virtual environment}" "${WORK:?a folder}"
: "${SLURM_ARRAY_TASK_ID:?run it with sbatch}"

seed=$SLURM_ARRAY_TASK_ID
name=seed-$seed
clone=$WORK/$name

# shellcheck disable=SC1091
. "$ENVIRONMENT/bin/activate"
if [ ! -d "$clone/.git" ]; then
    git clone --quiet "$HUB" "$clone"
fi
cd "$clone"
if dvc exp list --name-only origin | grep -qx "$name"; then
    echo "$name is done"
    exit 0
fi
palimpsest repair # what a killed attempt has left; nothing where there is none
dvc exp run --pull --name "$name" -S "seed=$seed"
dvc exp push origin "$name"
