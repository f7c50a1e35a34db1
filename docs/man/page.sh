#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# page.sh SCDOC SOURCE DLFW PLUGIN_DIR KIND NAME OUTPUT: a plugin's page, with the options as the plugin itself states them. They go
# to the end of the source's section OPTIONS; where it has none, into one of their own behind DESCRIPTION.
set -eu
scdoc=$1 source=$2 dlfw=$3 plugin_dir=$4 kind=$5 name=$6 output=$7
trap 'rm -f "$output.options" "$output.scd" "$output.new"' EXIT
"$dlfw" plugins info "$name" --kind "$kind" --man --plugin-dir "$plugin_dir" >"$output.options"
awk -v options="$output.options" '
    function add_options(   line) {
        while ((getline line < options) > 0) {
            if (!any && !own)
                print "# OPTIONS\n"
            any = 1
            print line
        }
        if (any)
            print ""
    }
    NR == FNR { own = own || $0 == "# OPTIONS"; next }
    /^# / && (own ? section == "# OPTIONS" : section == "# DESCRIPTION") { add_options() }
    /^# / { section = $0 }
    { print }' "$source" "$source" >"$output.scd"
"$scdoc" <"$output.scd" >"$output.new"
mv "$output.new" "$output"
