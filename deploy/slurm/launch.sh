#!/usr/bin/env bash
# Starts the workers of a training as the tasks of a Slurm job: WORLD_SIZE=2 deploy/slurm/launch.sh COMMAND…
#
# This is train.launcher inside of a job (train.sbatch); each worker learns from Slurm which it is.
set -euo pipefail

if [[ -z ${SLURM_JOB_ID:-} ]]; then
  echo "error: deploy/slurm/launch.sh starts tasks of a Slurm job, and this is none; submit deploy/slurm/train.sbatch" >&2
  exit 1
fi

# Task 0 is on the first node; no two jobs that share it meet at one port.
read -r MASTER_ADDR < <(scontrol show hostnames "$SLURM_JOB_NODELIST")
MASTER_PORT=$((10000 + SLURM_JOB_ID % 20000))
export MASTER_ADDR MASTER_PORT

# Where one ends badly, all are ended.
# shellcheck disable=SC2016  # the tasks fill the variables in
exec srun --ntasks="$WORLD_SIZE" --kill-on-bad-exit=1 \
  bash -c 'RANK=$SLURM_PROCID WORLD_SIZE=$SLURM_NTASKS exec "$@"' worker "$@"
