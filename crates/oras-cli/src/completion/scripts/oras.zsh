#compdef oras
# Completion of oras for zsh: `source` it, or save it as `_oras` in a folder of $fpath.

_oras() {
    local -a answer candidates
    local entry name directive=0
    answer=("${(@f)$("${(Q)words[1]}" @CALL@ "${(@Q)words[2,CURRENT]}" 2>/dev/null)}")
    for entry in "${answer[@]}"; do
        if [[ "$entry" == :<-> ]]; then
            directive="${entry#:}"
        elif [[ -n "$entry" ]]; then
            name="${entry%%$'\t'*}"
            # A colon parts the name from its description.
            if [[ "$name" == "$entry" ]]; then
                candidates+=("${name//:/\\:}")
            else
                candidates+=("${name//:/\\:}:${entry#*$'\t'}")
            fi
        fi
    done
    if (( ! ${#candidates} )); then
        (( directive & 4 )) || _files
        return
    fi
    if (( directive & 2 )); then
        _describe -V oras candidates -S ''
    else
        _describe -V oras candidates
    fi
}

if [[ "${funcstack[1]}" == _oras ]]; then
    _oras "$@"
else
    compdef _oras oras
fi
