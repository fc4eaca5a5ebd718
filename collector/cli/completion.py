"""`acode completion SHELL`: the script that lets a shell ask acode what a word could be; and its place.

What is offered may be named by what was recorded, so the scripts quote each candidate as the shell needs
it: a file called `$(reboot)` must not be run by whoever completes its name.
"""

from __future__ import annotations

import os

from collector import durable
from collector.cli import output
from collector.cli.context import Context
from collector.cli.parsing import Command, Namespace, Parser
from collector.errors import AccessError, ConflictError, InputError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

SHELLS = ("bash", "zsh", "fish")
_MARK = "acode completion"

_BASH = r"""# acode completion for bash; written by 'acode completion bash'

_acode() {
    local line=${COMP_LINE:0:COMP_POINT} rest word gap quote='' kept i
    local -a words=() lines=()
    # Bash cuts words at : = @ too; what no blank separates is one word.
    rest=$line
    for ((i = 0; i <= COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        ((i == COMP_CWORD)) && word=${word:0:${#rest}}
        gap=${rest%%[![:space:]]*}
        rest=${rest#"$gap"}
        if ((i == COMP_CWORD)); then word=$rest; fi
        if [[ -n $gap || i -eq 0 ]]; then words+=("$word"); else words[-1]+=$word; fi
        rest=${rest#"$word"}
    done
    local current=${words[-1]}
    case $current in
        \'*) quote=\' ;;
        \"*) quote=\" ;;
    esac
    for i in "${!words[@]}"; do words[i]=$(_acode_unquote "${words[i]}"); done
    mapfile -t lines < <(command acode __complete "${words[@]:1}" 2>/dev/null)
    case ${lines[0]-} in
        files) compopt -o default; return ;;
        dirs) compopt -o dirnames; return ;;
        command*) _acode_command "${lines[0]#command }"; return ;;
    esac
    # Only what follows the last cut is replaced.
    kept=$current
    if [[ -z $quote ]]; then
        while [[ -n $kept && ${COMP_WORDBREAKS} != *"${kept: -1}"* ]]; do kept=${kept%?}; done
        kept=${kept%@}
    else
        kept=''
    fi
    COMPREPLY=()
    for line in "${lines[@]:1}"; do
        word=${line%%$'\t'*}
        case $quote in
            \') [[ $word == *\'* ]] && continue ;;
            \") [[ $word == *[\"\$\`\\!]* ]] && continue ;;
            *) [[ $word =~ ^[][A-Za-z0-9_@%+=:,./~^-]*$ && $word != [~]* ]] || printf -v word %q "$word" ;;
        esac
        COMPREPLY+=("${word#"$kept"}")
    done
    if ((${#COMPREPLY[@]} == 1)); then
        case ${COMPREPLY[0]} in *[:=/.,]) compopt -o nospace ;; esac
    fi
}

_acode_unquote() {
    local text=$1 plain='' quote='' letter
    while [[ -n $text ]]; do
        letter=${text:0:1}
        text=${text:1}
        case $quote$letter in
            \'\' | \"\") quote='' ;;
            \' | \") quote=$letter ;;
            \\ | \"\\) plain+=${text:0:1}; text=${text:1} ;;
            *) plain+=$letter ;;
        esac
    done
    printf %s "$plain"
}

_acode_command() {
    if declare -F _command_offset >/dev/null; then
        _command_offset "$(($1 + 1))"
    elif ((COMP_CWORD == $1 + 1)); then
        mapfile -t COMPREPLY < <(compgen -c -- "${COMP_WORDS[COMP_CWORD]}" | sort -u)
    else
        compopt -o default
    fi
}

complete -F _acode acode
"""

_ZSH = r"""#compdef acode
# acode completion for zsh; written by 'acode completion zsh'

_acode() {
    local line
    local -a lines values shown open_values open_shown
    lines=("${(@f)$(command acode __complete "${(@Q)words[2,CURRENT-1]}" "${(Q)PREFIX}" 2>/dev/null)}")
    case $lines[1] in
        files) _files; return ;;
        dirs) _files -/; return ;;
        command*)
            local -i begin=$((${lines[1]#command } + 1))
            shift begin words
            ((CURRENT -= begin))
            _normal
            return ;;
    esac
    for line in "${(@)lines[2,-1]}"; do
        local value=${line%%$'\t'*} text=${line#*$'\t'}
        if [[ $value == *[:=/.,] ]]; then
            open_values+=("$value") open_shown+=("$value${text:+  -- $text}")
        else
            values+=("$value") shown+=("$value${text:+  -- $text}")
        fi
    done
    local -i found=1
    (($#values)) && compadd -V runs -l -d shown -a values && found=0
    (($#open_values)) && compadd -V keys -l -S '' -d open_shown -a open_values && found=0
    return found
}

if [[ ${funcstack[1]-} == _acode ]]; then
    _acode "$@"
else
    compdef _acode acode
fi
"""

_FISH = r"""# acode completion for fish; written by 'acode completion fish'

function __acode_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct | string unescape)
    test (count $current) -eq 0; and set current (commandline -ct)
    test (count $current) -eq 0; and set current ''
    set -l lines (command acode __complete $words[2..-1] $current 2>/dev/null)
    switch $lines[1]
        case files
            __fish_complete_path (commandline -ct)
        case dirs
            __fish_complete_directories (commandline -ct) ''
        case 'command*'
            set -l begin (math (string replace 'command ' '' $lines[1]) + 2)
            set -l rest (string escape -- $words[$begin..-1])
            complete -C (string join ' ' -- $rest (commandline -ct))
        case '*'
            string join \n -- $lines[2..-1]
    end
end

complete -c acode -e
complete -c acode -f -k -a '(__acode_complete)'
"""
SCRIPTS = {"bash": _BASH, "zsh": _ZSH, "fish": _FISH}


def configure(parser: Parser) -> None:
    """Add the options of `acode completion`."""
    parser.add_argument("shell", metavar="SHELL", nargs="?", choices=SHELLS, help="bash, zsh or fish")
    parser.add_argument("--install", action="store_true", help="write it where the shell looks")


def run(options: Namespace, context: Context) -> int:
    """Print the script, or put it in its place."""
    shell = options.shell or guess_shell(context.environ)
    if shell is None:
        raise InputError("ACODE-RUN-019", "which shell?", "write 'acode completion bash', zsh or fish")
    if not options.install:
        output.write(SCRIPTS[shell])
        return 0
    path = install_path(shell, context.environ)
    if path is None:
        raise InputError("ACODE-RUN-019", "there is no home folder", "set HOME")
    _install(path, SCRIPTS[shell])
    output.line(f"wrote {output.sanitize(path)}")
    output.line(_what_next(shell, path, context.environ))
    return 0


def guess_shell(environ: Mapping[str, str]) -> str | None:
    """Return the user's shell where it is one that acode knows."""
    name = environ.get("SHELL", "").rpartition("/")[2]
    return name if name in SHELLS else None


def install_path(shell: str, environ: Mapping[str, str]) -> str | None:
    """Return where a shell looks for a user's own completions; None without a home."""
    home = environ.get("HOME", "")
    if not home.startswith("/"):
        return None
    data = _absolute(environ.get("XDG_DATA_HOME")) or home + "/.local/share"
    if shell == "fish":
        return (
            _absolute(environ.get("XDG_CONFIG_HOME")) or home + "/.config"
        ) + "/fish/completions/acode.fish"
    if shell == "zsh":
        return data + "/zsh/site-functions/_acode"
    base = _absolute(environ.get("BASH_COMPLETION_USER_DIR")) or data + "/bash-completion"
    return base + "/completions/acode"


def _absolute(path: str | None) -> str | None:
    return path if path and path.startswith("/") else None


def _install(path: str, script: str) -> None:
    try:
        if os.path.lexists(path):
            with open(path, "rb") as file:  # noqa: PTH123
                if _MARK.encode() not in file.read(200):
                    raise ConflictError("ACODE-RUN-023", f"{path} is not acode's", "move it away first")
        os.makedirs(os.path.dirname(path), exist_ok=True)  # noqa: PTH103, PTH120
        durable.replace_file(path, script.encode())
    except OSError as error:
        raise AccessError(
            "ACODE-ART-006", f"cannot write {path}: {error.strerror}", "check its permissions"
        ) from None


def _what_next(shell: str, path: str, environ: Mapping[str, str]) -> str:
    folder = output.sanitize(os.path.dirname(path))  # noqa: PTH120
    if shell == "fish":
        return "fish reads it by itself; shells that are open do so too"
    if shell == "zsh":
        return f"zsh reads it when ~/.zshrc has this before compinit:  fpath+=({folder})"
    places = ("/usr/share/bash-completion/bash_completion", "/opt/homebrew/etc/profile.d/bash_completion.sh")
    if environ.get("BASH_COMPLETION_VERSINFO") or any(map(os.path.exists, places)):
        return "bash reads it by itself in new shells"
    return (
        f"bash reads it by itself with bash-completion; without, add to ~/.bashrc:  . {output.sanitize(path)}"
    )


COMMANDS = {"completion": Command(configure, run)}
