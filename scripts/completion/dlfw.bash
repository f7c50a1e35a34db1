# SPDX-License-Identifier: Apache-2.0
# bash completion for dlfw. The program itself knows the candidates; where it has none, bash offers files.
_dlfw()
{
    # Words as the program gets them: bash splits COMP_WORDS at "=" and ":", which overrides contain.
    local line=${COMP_LINE:0:COMP_POINT} current=${COMP_WORDS[COMP_CWORD]} prefix= candidate
    local -a words
    read -ra words <<<"$line"
    while [[ ${words[0]} == *=* ]]; do # VARIABLE=value dlfw ...
        words=("${words[@]:1}")
    done
    if [[ $line != *[[:space:]] ]]; then
        prefix=${words[-1]}
        unset 'words[-1]'
    fi
    [[ $current == = ]] && current=

    COMPREPLY=()
    while IFS= read -r candidate; do
        # only the part behind the last "=" replaces what bash takes for the current word
        COMPREPLY+=("${candidate#"${prefix%"$current"}"}")
    done < <("${words[0]/#'~/'/$HOME/}" complete "${words[@]:1}" "$prefix" 2>/dev/null)
    # a key goes on with its value, a section with its keys
    [[ ${COMPREPLY[*]} == *[=.] ]] && compopt -o nospace 2>/dev/null
    return 0
}
complete -o default -F _dlfw dlfw
