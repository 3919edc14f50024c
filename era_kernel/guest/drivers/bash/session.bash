# What the driver puts into the session's bash. The driver's pipes are opened by their place in /proc at each use, so that no
# program started by a cell holds one.
PS1= PS2= PROMPT_COMMAND=
unset HISTFILE MAILCHECK PS0
set +o history +o histexpand
shopt -u checkwinsize

__era_tell() { builtin printf '%s\n' "$1" >"/proc/$__era_driver/fd/$__era_report"; }

# The end of a cell; the line that failed is of use only with the cell's own status.
__era_end() {
  __era_tell "end $1 $__era_cell ${__era_failed:-0 0 -}"
  return 0
}

__era_fail() {
  __era_failed="$__era_code $1 $2"
  [[ $- != *e* ]] || builtin kill -INT $BASHPID
}

# An interactive shell is what an interrupt throws back to its prompt; `set -e`, which would end it, does the same.
# Without a source it is the prompt's own line that fails, by what the cell has told before.
# All in one line, as LINENO counts those of a trap.
trap '__era_code=$?; if [[ -n ${BASH_SOURCE[0]-} ]]; then __era_fail $LINENO "${BASH_SOURCE[0]}"; fi' ERR
trap '__era_tell "exit $?"' EXIT

# ---- what cells may call: era_html TEXT, or the text on stdin; era_png FILE, or its bytes on stdin

__era_show() { # kind mime file
  __era_tell "$1 $2 $3" && builtin read -r -t 20 <"/proc/$__era_driver/fd/$__era_shown"
}

__era_show_text() { # kind mime texts
  local file=$__era_folder/shown-$BASHPID-$((__era_shown_count += 1))
  if (($# > 2)); then builtin printf '%s' "${*:3}" >"$file"; else cat >"$file"; fi
  __era_show "$1" "$2" "$file"
}

__era_show_file() { # mime [file]
  local file=$__era_folder/shown-$BASHPID-$((__era_shown_count += 1))
  cat -- "${@:2}" >"$file" || return
  __era_show display "$1" "$file"
}

era_html() { __era_show_text display text/html "$@"; }
era_markdown() { __era_show_text display text/markdown "$@"; }
era_latex() { __era_show_text display text/latex "$@"; }
era_json() { __era_show_text display application/json "$@"; }
era_text() { __era_show_text display text/plain "$@"; }
era_svg() { __era_show_file image/svg+xml "$@"; }
era_png() { __era_show_file image/png "$@"; }
era_jpeg() { __era_show_file image/jpeg "$@"; }
era_gif() { __era_show_file image/gif "$@"; }
era_clear_output() { __era_show clear "${1:-now}" -; } # `era_clear_output wait`: when the next output comes

# ---- `read` from the stdin of a cell, which is empty, asks the notebook's user

read() {
  if [[ /proc/self/fd/0 -ef $__era_stdin ]]; then __era_ask "$@"; else builtin read "$@"; fi
}

__era_ask() {
  local OPTIND=1 OPTARG __era_option __era_prompt= __era_password=0 __era_outcome=
  while getopts ':a:d:ei:n:N:p:rst:u:' __era_option; do
    case $__era_option in
    p) __era_prompt=$OPTARG ;;
    s) __era_password=1 ;;
    u) builtin read "$@"; return ;;
    esac
  done
  local __era_file=$__era_folder/shown-$BASHPID-$((__era_shown_count += 1))
  builtin printf '%s' "$__era_prompt" >"$__era_file" || return
  __era_tell "ask $__era_password $__era_file" && builtin read -r __era_outcome <"/proc/$__era_driver/fd/$__era_shown"
  if [[ $__era_outcome != answered ]]; then
    builtin echo 'read: this front end takes no input' >&2
    return 1
  fi
  builtin read "$@" <"$__era_file"
}

# ---- what the driver asks, in files of its folder

__era_complete() { # kind word
  {
    case $1 in
    variable) compgen -v -- "$2" ;;
    command) compgen -c -- "$2" ;;
    esac
    [[ $1 == variable ]] || compgen -f -- "$2" | while IFS= read -r name; do
      if [[ -d ${name/#\~\//$HOME/} ]]; then builtin printf '%q/\n' "$name"; else builtin printf '%q\n' "$name"; fi
    done
  } >"$__era_folder/answer" 2>/dev/null
  __era_tell asked
}

__era_inspect() { # word
  {
    if builtin declare -p -- "$1"; then :; fi
    if builtin type -a -- "$1"; then builtin help -- "$1"; fi
  } >"$__era_folder/answer" 2>/dev/null
  __era_tell asked
}

__era_evaluate() { # command
  {
    local said status
    said=$(builtin eval "$1" 2>/dev/null)
    status=$?
    builtin printf '%s\n%s' "$status" "$said"
  } >"$__era_folder/answer"
  __era_tell asked
}
