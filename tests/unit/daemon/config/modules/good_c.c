/*
 * A C module that works and tells the test what reached it.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <stddef.h>

#include <httpd/httpd_module.h>

void config_test_note(const char* what); /* of the test program */

static char* good_c_text = NULL;
static int good_c_number = 0;

static int mod_init(void) {
  int number = good_c_number;
  good_c_number = 0; /* the object stays mapped: the next test begins anew */
  config_test_note("good_c init");
  return number == -1 ? -1 : 0;
}

static void destroy(void) {
  config_test_note(good_c_text != NULL ? good_c_text : "good_c destroy");
  good_c_text = NULL;
}

static const struct httpd_module_param params[] = {
    {"text", HTTPD_STR_PARAM, &good_c_text},
    {"number", HTTPD_INT_PARAM, &good_c_number},
    {NULL, HTTPD_INT_PARAM, NULL},
};

const struct httpd_module_exports httpd_module = {HTTPD_C_MODULE_ABI, "good_c", params, mod_init, destroy};
