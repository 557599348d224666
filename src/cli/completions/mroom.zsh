#compdef mroom
# Completion of mroom for zsh. To use it in every shell, in a folder of $fpath:
#   mroom completions zsh > ~/.zfunc/_mroom     (and `fpath+=~/.zfunc` before `compinit`)
# or in ~/.zshrc:
#   source <(mroom completions zsh)

_mroom() {
    local -a lines closed open closed_shown open_shown
    local line value about shown
    local -i width=0
    lines=("${(@f)$(${(Q)words[1]/#\~\//$HOME/} __complete zsh \
        "${(@Q)words[2,CURRENT-1]}" "${(Q)PREFIX}" 2>/dev/null)}")
    for line in "${(@)lines[2,-1]}"; do
        value=${line%%$'\t'*}
        (( ${(m)#value} > width )) && width=${(m)#value}
    done
    for line in "${(@)lines[2,-1]}"; do
        value=${line%%$'\t'*}
        about=${line#*$'\t'}
        shown=$value
        [[ -n $about ]] && shown="${(mr:width:)value}  $about"
        (( ${(m)#shown} >= COLUMNS )) && shown=${(mr:COLUMNS-1:)shown}
        if [[ $value == *[=:,/] ]]; then
            open+=("$value") open_shown+=("$shown")
        else
            closed+=("$value") closed_shown+=("$shown")
        fi
    done
    (( $#closed )) && compadd -V words -l -d closed_shown -a closed
    (( $#open )) && compadd -V words -S '' -l -d open_shown -a open
    case $lines[1] in
    files) _files ;;
    folders) _files -/ ;;
    esac
    (( compstate[nmatches] ))
}

if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
    _mroom "$@"
else
    (( $+functions[compdef] )) || { autoload -Uz compinit && compinit }
    compdef _mroom mroom
fi
