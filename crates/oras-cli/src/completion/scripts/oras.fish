# Completion of oras for fish.

function __oras_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l directive 0
    set -l candidates
    for line in ($words[1] @CALL@ $words[2..-1] "$current" 2>/dev/null)
        if string match -qr '^:[0-9]+$' -- "$line"
            set directive (string sub -s 2 -- "$line")
        else if test -n "$line"
            set -a candidates "$line"
        end
    end
    if test (count $candidates) -eq 0
        if test "$directive" -lt 4
            __fish_complete_path "$current"
        end
        return
    end
    printf '%s\n' $candidates
end

complete -c oras -e
complete -c oras -f -a '(__oras_complete)'
