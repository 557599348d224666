# Completion of mroom for bash. To use it in every shell:
#   mroom completions bash > ~/.local/share/bash-completion/completions/mroom
# or, without the package bash-completion, in ~/.bashrc:
#   source <(mroom completions bash)

_mroom() {
    local program=${1/#\~\//$HOME/} lines
    mapfile -t lines < <(
        "$program" __complete bash "$COMP_WORDBREAKS" "${COMP_LINE:0:COMP_POINT}" 2>/dev/null
    )
    COMPREPLY=("${lines[@]:1}")
    case ${lines[0]-} in
    files | folders)
        # Bash quotes the names itself here, those of servers too.
        compopt -o filenames 2>/dev/null
        local action=-f
        [[ ${lines[0]} == files ]] || action=-d
        mapfile -t lines < <(compgen "$action" -- "$2")
        COMPREPLY+=("${lines[@]}")
        ;;
    esac
    if [[ ${#COMPREPLY[@]} == 1 && ${COMPREPLY[0]} == *[=:,/] ]]; then
        compopt -o nospace 2>/dev/null
    fi
}
# Before 4.4 bash knows no `nosort`.
complete -o nosort -F _mroom mroom 2>/dev/null || complete -F _mroom mroom
