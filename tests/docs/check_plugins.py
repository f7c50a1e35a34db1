# SPDX-License-Identifier: Apache-2.0
"""Every plugin of the tree has a manual page, and the page as built mentions every option with its default."""
import re

import tree


def problems():
    plugins = tree.dlfw_json("plugins", "list", "--json")["plugins"]
    if not plugins:
        yield "dlfw plugins list finds no plugin"
    for plugin in plugins:
        name, kind = plugin["name"], plugin["kind"]
        page = tree.page_text(f"dlfw-{kind}-{name}.7")
        if page is None:
            yield f"there is no dlfw-{kind}-{name}(7)"
            continue
        for option in tree.dlfw_json("plugins", "info", name, "--kind", kind, "--json")["plugins"][0]["options"]:
            stated = re.search(rf"^ +{re.escape(option['name'])} \((.*)\)$", page, re.M)
            if not stated:
                yield f"dlfw-{kind}-{name}(7) does not state option '{option['name']}'"
            elif option.get("default") and f"default {option['default']}" not in stated[1]:
                yield f"dlfw-{kind}-{name}(7): '{option['name']}' without its default {option['default']}"


tree.finish(list(problems()))
