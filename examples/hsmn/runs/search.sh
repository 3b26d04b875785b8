#!/bin/sh
# The search of the README, from the repository's root; writes to the folder that is given.
set -eu
out=${1:?a folder for the search}
export OMP_NUM_THREADS=1
nice -n 10 python -m examples.hsmn.search examples/hsmn/configs/search_small.yaml --out "$out" --workers 2
