#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# page.sh SCDOC SOURCE DLFW PLUGIN_DIR KIND NAME OUTPUT: a plugin's page, with the options as the plugin itself states them.
set -eu
options=$("$3" plugins info "$6" --kind "$5" --man --plugin-dir "$4")
{
    sed '/^# SEE ALSO/,$d' "$2"
    printf '%s\n\n' "$options"
    sed -n '/^# SEE ALSO/,$p' "$2"
} | "$1" > "$7.new"
mv "$7.new" "$7"
