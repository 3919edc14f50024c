# What the driver puts into the session's bash. The driver's pipes are opened by their place in /proc at each use, so that no
# program started by a cell holds one.
PS1= PS2= PROMPT_COMMAND=
unset HISTFILE MAILCHECK PS0
set +o history +o histexpand
shopt -u checkwinsize

__era_tell() { builtin printf '%s\n' "$1" >"/proc/$__era_driver/fd/$__era_report"; }

# The end of a cell; the line that failed is of use only with the cell's own status.
__era_end() {
  __era_keep
  [[ -z $__era_resume ]] || __era_tell resume
  __era_tell "end $1 $__era_cell ${__era_failed:-0 0 -}"
  return 0
}

__era_fail() {
  __era_failed="$__era_code $1 $2"
  [[ $- != *e* || $BASHPID != "$$" ]] || builtin kill -INT "$$"
}

# Bash is about to end: as the cell wants it, or as `set -e` has it for what is no failed command, `echo $unbound` for one.
# Then another bash goes on with what this one had. It is told by the command: `exit` first leaves the cell's file for the
# prompt's line, what `set -e` has end bash does not.
__era_exits() { # status command
  { builtin local -; builtin set +x; } 2>/dev/null
  if [[ $- == *e* && ! $2 =~ ^(exit|logout|exec|\. .*/In\[) ]]; then
    builtin set +exv
    __era_save >"$__era_folder/state" 2>/dev/null && __era_tell "rescue $1" && builtin trap - EXIT && builtin exit "$1"
  fi
  __era_tell "exit $1"
  return "$1"
}

__era_save() {
  local __era_name
  while IFS= builtin read -r __era_name; do
    case $__era_name in
    __era_user_*) declare -p -- "$__era_name" ;;
    __era_* | BASH* | COMP_* | DIRSTACK | EPOCH* | EUID | FUNCNAME | GROUPS | IFS | LINENO | PIPESTATUS | PPID | SHELLOPTS | UID | _) ;;
    *RANDOM | SECONDS | SHLVL) ;;
    *) declare -p -- "$__era_name" ;;
    esac
  done < <(compgen -v)
  while IFS= builtin read -r __era_name; do
    case $__era_name in __era_* | era_* | trap | read) ;; *) declare -fp -- "$__era_name" ;; esac
  done < <(compgen -A function)
  builtin printf 'IFS=%q\ncd -- %q\n' "$IFS" "$PWD"
  umask -p
  alias -p
  shopt -p
  builtin set +o
  builtin printf '__era_watch\nset -e\n'
}

# An interactive shell is what an interrupt throws back to its prompt; `set -e`, which would end it, does the same, in
# functions too. Without a source it is the prompt's own line that fails, by what the cell has told before.
# A cell's own traps are run by ours: with $? and LINENO as they were, so no command is before them and each is one line.
# Each command of a trap is one more for a trap on DEBUG, unless it is hushed, by what a redirection expands to.
set -o errtrace
__era_source=${BASH_SOURCE[0]} __era_hush=x __era_quiet=
__era_user_ERR= __era_user_EXIT= __era_user_DEBUG= __era_user_RETURN= __era_resume=
__era_on_failure='{ case $((__era_code = $?))${BASH_SOURCE[0]-} in *[!0-9]*) __era_fail $LINENO "${BASH_SOURCE[0]}" ;; esac; __era_quiet=; } 2>/dev/null${__era_hush:$((__era_quiet = 1))}'
__era_on_ERR='{ case $((__era_code = $?))${BASH_SOURCE[0]-} in *[!0-9]*) builtin eval "$__era_user_ERR"; __era_fail $LINENO "${BASH_SOURCE[0]}" ;; esac; __era_quiet=; } 2>&2${__era_hush:$((__era_quiet = 1))}'
__era_on_EXIT='if __era_exits $? "$BASH_COMMAND"; then builtin eval "$__era_user_EXIT"; else builtin eval "$__era_user_EXIT"; fi'
__era_on_DEBUG='case ${__era_quiet:-${BASH_SOURCE[0]-}} in "" | 1 | "$__era_source") ;; *) builtin eval "$__era_user_DEBUG" ;; esac'
__era_on_RETURN='case ${__era_quiet:-${BASH_SOURCE[0]-}} in "" | 1 | "$__era_source") ;; *) builtin eval "$__era_user_RETURN" ;; esac'

__era_watch() {
  if [[ -z $__era_user_ERR ]]; then builtin trap -- "$__era_on_failure" ERR; else builtin trap -- "$__era_on_ERR" ERR; fi
  builtin trap -- "$__era_on_EXIT" EXIT
}
__era_watch

# Subshells have none of our traps. `set -x` shows none of these lines.
trap() {
  { builtin local -; builtin set +x; } 2>/dev/null
  if [[ $BASHPID != "$$" ]]; then builtin trap "$@"; return; fi
  case ${1--p} in -p) __era_show_traps "${@:2}"; return ;; --) shift ;; esac
  if (($# < 2)) || [[ $1 == -l ]]; then builtin set -- - "$@"; fi
  local __era_name __era_text=$1 __era_on
  [[ $1 != - ]] || __era_text=
  for __era_name in "${@:2}"; do
    __era_name=${__era_name^^}
    case $__era_name in
    -L) builtin trap -l ;;
    ERR | EXIT | 0)
      builtin printf -v "__era_user_${__era_name/#0/EXIT}" %s "$__era_text"
      __era_watch
      ;;
    DEBUG | RETURN)
      builtin printf -v "__era_user_$__era_name" %s "$__era_text"
      __era_on=__era_on_$__era_name
      if [[ -z $__era_text ]]; then builtin trap - "$__era_name"; else builtin trap -- "${!__era_on}" "$__era_name"; fi
      ;;
    *) builtin trap -- "$1" "$__era_name" || return ;;
    esac
  done
}
declare -ft trap # what it does to traps on DEBUG and RETURN is not undone at its end

__era_show_traps() { # names
  local name text
  text=$(builtin trap -p "$@")$'\n'
  text=${text/"trap -- ${__era_on_failure@Q} ERR"$'\n'/}
  for name in ERR EXIT DEBUG RETURN; do
    local ours=__era_on_$name user=__era_user_$name
    ours="trap -- ${!ours@Q} $name"$'\n' user=${!user:+"trap -- ${!user@Q} $name"$'\n'}
    text=${text/"$ours"/"$user"}
  done
  builtin printf %s "${text#$'\n'}"
}
declare -ft __era_show_traps

# The driver's own commands run without `set -x` and a trap on DEBUG: the next cell resumes them.
__era_keep() {
  local resume=
  __era_watch
  [[ $__era_options != *v* ]] || resume+='builtin set -v; '
  [[ $__era_options != *x* ]] || resume+='builtin set -x; '
  [[ -z $__era_user_DEBUG ]] || resume+='builtin trap -- "$__era_on_DEBUG" DEBUG; '
  __era_resume=${resume:+"{ $resume} 2>/dev/null"}
}

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
  { builtin local -; builtin set +x; } 2>/dev/null
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

__era_complete() { # kind word quote
  {
    case $1 in
    file) ;;
    variable) compgen -v -- "$2" ;;
    command) compgen -c -- "$2" ;;
    *) compgen -A "$1" -- "$2" ;;
    esac
    [[ $1 != file && $1 != command ]] || __era_complete_files "$2" "$3"
  } >"$__era_folder/answer" 2>/dev/null
  __era_tell asked
}

# A home or a variable that the word begins with stays as it is.
__era_complete_files() { # word quote
  local head= real= rest=$1 name
  if [[ -z $2 && $1 =~ ^(~[[:alnum:]_-]*)(/.*)$ ]]; then
    head=${BASH_REMATCH[1]} rest=${BASH_REMATCH[2]}
    builtin eval "real=$head"
  elif [[ $2 != "'" && $1 =~ ^(\$\{?([[:alpha:]_][[:alnum:]_]*)\}?)(/.*)$ && -v ${BASH_REMATCH[2]} ]]; then
    head=${BASH_REMATCH[1]} real=${!BASH_REMATCH[2]} rest=${BASH_REMATCH[3]}
  fi
  compgen -f -- "$real$rest" | while IFS= builtin read -r name; do
    rest=${name#"$real"}
    case $2 in
    "'") rest=${rest//\'/\'\\\'\'} ;;
    '"') rest=${rest//\\/\\\\} rest=${rest//\"/\\\"} rest=${rest//\$/\\\$} rest=${rest//\`/\\\`} ;;
    *) builtin printf -v rest %q "$rest" ;;
    esac
    [[ ! -d $name ]] || rest+=/
    builtin printf '%s%s\n' "$head" "$rest"
  done
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
