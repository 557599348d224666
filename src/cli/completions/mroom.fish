# Completion of mroom for fish. To use it in every shell:
#   mroom completions fish > ~/.config/fish/completions/mroom.fish

function __mroom_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l program $words[1]
    set -e words[1]
    set -l lines (command $program __complete fish $words "$current" 2>/dev/null)
    set -l kind $lines[1]
    set -e lines[1]
    test (count $lines) -gt 0; and printf '%s\n' $lines
    switch "$kind"
        case files
            __fish_complete_path "$current"
        case folders
            __fish_complete_directories "$current" ''
    end
end

complete -c mroom -f -k -a '(__mroom_complete)'
