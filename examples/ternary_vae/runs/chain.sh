#!/bin/sh
# All stages from the fast first stage, three seeds: about 6 CPU-minutes each.
# usage, from the root of the repository: sh examples/ternary_vae/runs/chain.sh OUT
set -eu
export OMP_NUM_THREADS=1
for seed in 42 43 44; do
  python -m examples.ternary_vae.chain --out "$1/chain/$seed" --seed "$seed" \
    --stages v5_11,partial_freeze,v5_12_4,no_zero,rich
done
python -m examples.ternary_vae.table "$1"/chain/*
