# Completion of oras for bash, also the bash 3.2 of macOS.

__oras_complete() {
    # Bash takes words apart at colons and equals signs; the line tells what belongs together.
    local line="${COMP_LINE:0:COMP_POINT}" words=() count=0 piece at
    for ((at = 0; at <= COMP_CWORD; at++)); do
        if [[ $at -eq 0 || "$line" == [[:space:]]* ]]; then
            line="${line#"${line%%[![:space:]]*}"}"
            words[count]=""
            count=$((count + 1))
        fi
        piece="${COMP_WORDS[at]}"
        if [[ $at -eq $COMP_CWORD ]]; then
            piece="$line"
        fi
        words[count - 1]="${words[count - 1]}$piece"
        line="${line#"$piece"}"
    done
    local current="${words[count - 1]}" program="${words[0]}"

    local answer directive=0 names=() texts=() name text tab=$'\t'
    answer="$("$program" @CALL@ "${words[@]:1}" 2>/dev/null)" || return
    while IFS= read -r text; do
        if [[ "$text" == :[0-9]* ]]; then
            directive="${text#:}"
        elif [[ -n "$text" ]]; then
            name="${text%%"$tab"*}"
            names[${#names[@]}]="$name"
            if [[ "$name" == "$text" ]]; then
                texts[${#texts[@]}]="$name"
            else
                texts[${#texts[@]}]="$name  (${text#*"$tab"})"
            fi
        fi
    done <<<"$answer"

    COMPREPLY=()
    if [[ ${#names[@]} -eq 0 ]]; then
        if ((!(directive & 4))); then
            compopt -o default 2>/dev/null || COMPREPLY=($(compgen -f -- "$current"))
        fi
        return
    fi
    if ((directive & 2)); then
        compopt -o nospace 2>/dev/null
    fi
    # What bash has taken apart already must not come again.
    local before="" rest="$current"
    if [[ "$COMP_WORDBREAKS" == *:* && "$rest" == *:* ]]; then
        before="${rest%"${rest##*:}"}"
    elif [[ "$COMP_WORDBREAKS" == *=* && "$rest" == *=* ]]; then
        before="${rest%"${rest##*=}"}"
    fi
    # Descriptions are for looking only: a list of several names, not one that is put in.
    local list=("${names[@]}")
    if [[ ${#names[@]} -gt 1 && "$COMP_TYPE" != 37 && "$COMP_TYPE" != 42 ]]; then
        list=("${texts[@]}")
    fi
    for name in "${list[@]}"; do
        COMPREPLY[${#COMPREPLY[@]}]="${name#"$before"}"
    done
}

complete -F __oras_complete oras
