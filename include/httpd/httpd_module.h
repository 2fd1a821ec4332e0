/*
 * What a module written in C exports so that loadmodule of opensips-httpd can load it. (A module for OpenSIPS
 * exports OpenSIPS's own struct module_exports instead; its callbacks are the same.)
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef HTTPD_MODULE_H
#define HTTPD_MODULE_H

/* NOLINTBEGIN(modernize-*,readability-identifier-naming,bugprone-reserved-identifier,cert-*): C, with
 * OpenSIPS's names */

#ifdef __cplusplus
extern "C" {
#endif

/* The version of this structure; a module built for another one is refused at loadmodule. */
#define HTTPD_C_MODULE_ABI 1

/* The type of a modparam() value, and what `target` points to. */
enum httpd_param_type {
  HTTPD_STR_PARAM, /* char *: set to a NUL-terminated copy that lives as long as the process */
  HTTPD_INT_PARAM, /* int */
};

struct httpd_module_param {
  const char* name; /* NULL ends the list */
  enum httpd_param_type type;
  void* target;
};

struct httpd_module_exports {
  unsigned abi;                            /* HTTPD_C_MODULE_ABI */
  const char* name;                        /* the name that modparam() uses */
  const struct httpd_module_param* params; /* may be NULL */
  int (*mod_init)(void); /* once, after all modparam() lines; 0, or -1 to refuse the start */
  void (*destroy)(void); /* once, at the end; may be NULL */
};

/* Put before the definition of the module's one exported object, which is named httpd_module. */
#define HTTPD_EXPORT __attribute__((visibility("default")))
extern HTTPD_EXPORT const struct httpd_module_exports httpd_module;

#ifdef __cplusplus
}
#endif

/* NOLINTEND(modernize-*,readability-identifier-naming,bugprone-reserved-identifier,cert-*) */

#endif /* HTTPD_MODULE_H */
