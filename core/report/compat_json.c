/* SPDX-License-Identifier: Apache-2.0 */
#include "report/compat_json.h"

#include <string.h>

#include "report/json_put.h"

json_t *compat_json(const struct run_record *rec)
{
    struct compat_line lines[COMPAT_LINES_MAX];
    uint32_t count = run_config_compat_list(rec->cfg, lines);
    json_t *o = json_object();

    for (uint32_t i = 0; i < count; i++)
        put_text(o, lines[i].name, lines[i].text);
    return o;
}

void log_compat(struct results *r, const struct run_config *cfg)
{
    struct compat_line lines[COMPAT_LINES_MAX];
    uint32_t count = run_config_compat_list(cfg, lines);

    for (uint32_t i = 0; i < count; i++)
        results_log(r, "compat.%s is on: %s", lines[i].name, lines[i].text);
    if (cfg->output.formula && strcmp(cfg->output.formula, "dlio2") == 0)
        results_log(r, "output.metric.formula is dlio2: throughput is that of n - 2 steps over the time of the window");
}
