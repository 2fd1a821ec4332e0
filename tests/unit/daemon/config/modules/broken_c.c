/*
 * C objects that loadmodule refuses, one for each definition.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <stddef.h>

#include <httpd/httpd_module.h>

void config_test_note(const char* what);

#if defined(FOREIGN)
/* What a module of OpenSIPS exports; its constructor must never run. */
__attribute__((constructor)) static void constructor(void) {
  config_test_note("foreign code ran");
}
const int exports = 0;
#elif defined(WRONG_ABI)
const struct httpd_module_exports httpd_module = {HTTPD_C_MODULE_ABI + 1, NULL, NULL, NULL, NULL};
#elif defined(UNRESOLVED)
int config_test_missing_symbol(void);
const struct httpd_module_exports httpd_module = {HTTPD_C_MODULE_ABI, "unresolved", NULL,
                                                  config_test_missing_symbol, NULL};
#else
#error "define what is broken"
#endif
