#!/bin/sh
# The main job of oras with a registry of its own, both from this one binary, in a temporary folder: no network beyond
# this machine, nothing left behind. Each command is printed before it runs, so that watching is learning.
set -eu

oras=$(realpath "${1:-target/release/oras}")
work=$(mktemp -d)
server=
end() {
    if [ -n "$server" ]; then
        kill "$server" 2>/dev/null || true
        wait "$server" || true
        server=
    fi
    rm -rf "$work"
}
trap end EXIT
trap 'exit 1' INT TERM
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

say '1. Start a registry on a free port. It stores OCI layouts in a folder.'
printf '\n$ oras serve ./registry --addr 127.0.0.1:0\n'
mkfifo line
"$oras" serve ./registry --addr 127.0.0.1:0 >line &
server=$!
read -r line <line
printf '%s\n' "$line"
addr=${line#*://}
reg=localhost:$(expr "$addr" : '[^,]*:\([0-9]*\)')

say '2. Push a file and a folder as one artifact.'
run push "$reg/shop:v1" --artifact-type application/vnd.example.thing \
    artifact.txt:text/plain docs

say '3. Attach evidence to it: an SBOM, and a signature.'
run attach "$reg/shop:v1" --artifact-type application/vnd.cyclonedx+json \
    sbom.json:application/vnd.cyclonedx+json
run attach "$reg/shop:v1" --artifact-type application/vnd.cncf.notary.signature \
    signature.json:application/jose+json

say '4. See what is attached.'
run discover "$reg/shop:v1"

say '5. Copy all of it, evidence included: to another repository, and into an OCI layout on disk.'
run cp -r "$reg/shop:v1" "$reg/mirror/shop:v1"
run cp -r --to-oci-layout "$reg/shop:v1" archive:v1
run discover "$reg/mirror/shop:v1"

say '6. Pull it back out of both copies.'
run pull "$reg/mirror/shop:v1" -o restored
run pull --oci-layout archive:v1 -o unpacked

say '7. Compare, byte by byte.'
for copy in restored unpacked; do
    cmp artifact.txt "$copy/artifact.txt"
    diff -r docs "$copy/docs"
done
printf 'artifact.txt and docs/ came back as they were, twice.\n'

say '8. Stop the registry.'
kill "$server"
wait "$server"
server=
printf 'It ended cleanly.\n'

say 'Try next'
cat <<EOF
  cp $oras ~/.local/bin/             put the command on your PATH
  oras serve                         a registry for this machine, stored in ./registry
  oras push localhost:5000/hello:v1 artifact.txt
  oras pull localhost:5000/hello:v1 -o out
  oras push --help                   every command explains itself, with examples
  README.md                          the tour; docs/serve.md for running the registry; crates/oras for using it from Rust
EOF
