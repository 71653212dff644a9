#!/bin/sh
# The main job of oras, on an OCI layout in a temporary folder: no registry, no network, nothing left behind.
# Each command is printed before it runs, so that watching is learning.
set -eu

oras=$(realpath "${1:-target/release/oras}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT INT TERM
cd "$work"

say() { printf '\n\033[1m%s\033[0m\n' "$*"; }
run() {
    printf '\n$ oras'
    for word in "$@"; do
        case $word in
            *[!A-Za-z0-9_./:,@=+-]*) printf " '%s'" "$word" ;;
            *) printf ' %s' "$word" ;;
        esac
    done
    printf '\n'
    "$oras" "$@"
}

printf 'hello world\n' >artifact.txt
mkdir docs
printf '# Manual\n' >docs/manual.md
printf 'Be kind.\n' >docs/rules.txt
printf '{"bomFormat":"CycloneDX","components":[]}\n' >sbom.json
printf '{"signed":true}\n' >signature.json

say '1. Push a file and a folder as one artifact, into an OCI layout (a registry on disk).'
run push --oci-layout shop:v1 --artifact-type application/vnd.example.thing \
    artifact.txt:text/plain docs

say '2. Attach evidence to it: an SBOM, and a signature.'
run attach --oci-layout shop:v1 --artifact-type application/vnd.cyclonedx+json \
    sbom.json:application/vnd.cyclonedx+json
run attach --oci-layout shop:v1 --artifact-type application/vnd.cncf.notary.signature \
    signature.json:application/jose+json

say '3. See what is attached.'
run discover --oci-layout shop:v1

say '4. Copy all of it, evidence included, somewhere else.'
run cp -r --from-oci-layout shop:v1 --to-oci-layout mirror:v1
run discover --oci-layout mirror:v1

say '5. Pull it back out of the copy.'
run pull --oci-layout mirror:v1 -o restored

say '6. Compare, byte by byte.'
cmp artifact.txt restored/artifact.txt
diff -r docs restored/docs
printf 'artifact.txt and docs/ came back as they were.\n'

say 'Try next'
cat <<EOF
  cp $oras ~/.local/bin/             put the command on your PATH
  oras push --help                   every command explains itself, with examples
  oras push localhost:5000/hello:v1 artifact.txt
                                     the same with a registry, for instance Debian's docker-registry
  oras pull localhost:5000/hello:v1 -o out
  README.md                          the tour; crates/oras for using it from Rust
EOF
