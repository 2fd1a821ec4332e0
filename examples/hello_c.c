/*
 * A handler module in C: GET /hello?name=Ada answers "Hello, Ada!". See hello.cfg.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <stdio.h>
#include <string.h>

#include <httpd/httpd_load.h>
#include <httpd/httpd_module.h>

static httpd_api_t httpd;
static char default_root[] = "hello";
static char* root = default_root;
static str root_path; /* the engine keeps the pointer, so it must not be on the stack */

/* Prints the reply into `buffer` and makes it the page. HEAD comes as GET. */
static int answer(void* cls, void* connection, const char* url, const char* method, const char* version,
                  const char* upload_data, size_t upload_data_size, void** con_cls, str* buffer, str* page,
                  union sockaddr_union* client) {
  (void)cls, (void)url, (void)version, (void)upload_data, (void)upload_data_size, (void)client;
  if (strcmp(method, "GET") != 0) return 405;
  str name = {NULL, 0};
  httpd.lookup_arg(connection, "name", *con_cls, &name);
  int length = snprintf(buffer->s, (size_t)buffer->len, "Hello, %s!\n", name.s != NULL ? name.s : "world");
  if (length < 0 || length >= buffer->len) return 500;
  page->s = buffer->s;
  page->len = length;
  return 200;
}

/* Called for the body when `page` was left empty: there is none. */
static ssize_t end_of_body(void* cls, uint64_t pos, char* buf, size_t max) {
  (void)cls, (void)pos, (void)buf, (void)max;
  return -1;
}

static int mod_init(void) {
  if (load_httpd_api(&httpd) != 0) {
    (void)fprintf(stderr, "hello_c: load httpd.so first\n");
    return -1;
  }
  root_path.s = root;
  root_path.len = (int)strlen(root);
  return httpd.register_httpdcb("hello_c", &root_path, answer, end_of_body, HTTPD_TEXT_PLAIN_TYPE, NULL);
}

static const struct httpd_module_param params[] = {
    {"root", HTTPD_STR_PARAM, &root},
    {NULL, HTTPD_STR_PARAM, NULL},
};

const struct httpd_module_exports httpd_module = {HTTPD_C_MODULE_ABI, "hello_c", params, mod_init, NULL};
