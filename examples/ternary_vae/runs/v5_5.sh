#!/bin/sh
# The 5.5 trainer with its KL warm-up, 60 of 400 epochs, three seeds: best.pt against latest.pt.
# Then 5.11 on its weights. About 5 CPU-minutes per seed.
set -eu
export OMP_NUM_THREADS=1
configs=examples/ternary_vae/configs
for seed in 42 43 44; do
  out="$1/warm_up/$seed"
  python -m examples.ternary_vae.train $configs/v5_5_coverage.yaml --seed "$seed" \
    --epochs 60 --out "$out/v5_5" --no-live
  python -m examples.ternary_vae.chain --out "$out" --seed "$seed" \
    --stages v5_11,partial_freeze,v5_12_4
done
python -m examples.ternary_vae.table "$1"/warm_up/*
