/*
 * The module's MI commands and statistics, for the file that exports them.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef HTTPD_OPENSIPS_MODULE_MI_H
#define HTTPD_OPENSIPS_MODULE_MI_H

#include "mi/mi.h"

/* The module's one engine; NULL before there is one. */
struct httpd_engine* httpd_module_engine(void);

extern const mi_export_t httpd_mi_commands[];

/* In mod_init(): 0, or -1 after logging why. */
int httpd_register_statistics(void);

#endif /* HTTPD_OPENSIPS_MODULE_MI_H */
