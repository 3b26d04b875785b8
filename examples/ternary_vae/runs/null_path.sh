#!/bin/sh
# What a config without a checkpoint trains: cfgmig refuses it, `--anyway` shows why.
set -eu
export OMP_NUM_THREADS=1
for seed in 42 43 44; do
  out="$1/null/$seed"
  mkdir -p "$out"
  python -m examples.ternary_vae.chain --out "$out" --seed "$seed" --stages null
done
python -m examples.ternary_vae.table "$1"/null/*
