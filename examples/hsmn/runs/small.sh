#!/bin/sh
# The runs of the README's first table: three seeds of both small configs, and what they are not.
# From the repository's root; writes below the folder that is given.
set -eu
out=${1:?a folder for the runs}
export OMP_NUM_THREADS=1
configs=examples/hsmn/configs
train="nice -n 10 python -m examples.hsmn.train"
mkdir -p "$out"

for name in bundles tokens; do
    for seed in 0 1 2; do
        $train $configs/small_$name.yaml --out "$out/$name.$seed" --seed $seed --no-live
    done
done

# Keys and spread as the first versions had them; `check` warns of both.
sed 's/keys: unitary .*/keys: gaussian/; s/ctqw_steps: 0/ctqw_steps: 3/; s/: small_bundles/: old_keys/' \
    $configs/small_bundles.yaml > "$out/old_keys.yaml"
# Every position sees the same projection and a vector of its own.
sed 's/expand: unbind/expand: broadcast/; s/: small_bundles/: broadcast/' \
    $configs/small_bundles.yaml > "$out/broadcast.yaml"
cp examples/hsmn/data/text.txt "$out/text.txt"
for name in old_keys broadcast; do
    sed -i 's#text: .*#text: text.txt#' "$out/$name.yaml"
    $train "$out/$name.yaml" --out "$out/$name.0" --seed 0 --no-live
done
