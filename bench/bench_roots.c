/*
 * What the cost of many roots is measured with: a module in C that serves the roots r0, r1, … of which
 * modparam("bench_roots", "count", N) says how many there are. Each prints a page of 500 bytes.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <httpd/httpd_load.h>
#include <httpd/httpd_module.h>

#define REPLY_SIZE 500
#define NAME_SIZE 16

static httpd_api_t httpd;
static int count = 1;
/* Both live as long as the process, as the API wants it of what is registered. */
static char (*names)[NAME_SIZE];
static str* roots;

static int answer(void* cls, void* connection, const char* url, const char* method, const char* version,
                  const char* upload_data, size_t upload_data_size, void** con_cls, str* buffer, str* page,
                  union sockaddr_union* client) {
  (void)cls, (void)connection, (void)url, (void)method, (void)version, (void)upload_data;
  (void)upload_data_size, (void)con_cls, (void)client;
  if (REPLY_SIZE > buffer->len) return 500;
  memset(buffer->s, 'x', REPLY_SIZE);
  page->s = buffer->s;
  page->len = REPLY_SIZE;
  return 200;
}

static ssize_t end_of_body(void* cls, uint64_t pos, char* buf, size_t max) {
  (void)cls, (void)pos, (void)buf, (void)max;
  return -1;
}

static int mod_init(void) {
  if (load_httpd_api(&httpd) != 0 || count < 1) {
    (void)fprintf(stderr, "bench_roots: load httpd.so first; count is 1 or more\n");
    return -1;
  }
  names = calloc((size_t)count, sizeof *names);
  roots = calloc((size_t)count, sizeof *roots);
  if (names == NULL || roots == NULL) return -1;
  for (int i = 0; i < count; ++i) {
    roots[i].s = names[i];
    roots[i].len = snprintf(names[i], NAME_SIZE, "r%d", i);
    if (httpd.register_httpdcb("bench_roots", &roots[i], answer, end_of_body, HTTPD_APPLICATION_JSON_CNT_TYPE,
                               NULL) != 0)
      return -1;
  }
  return 0;
}

static void destroy(void) {
  free(roots);
  free(names);
}

static const struct httpd_module_param params[] = {{"count", HTTPD_INT_PARAM, &count},
                                                   {NULL, HTTPD_INT_PARAM, NULL}};

const struct httpd_module_exports httpd_module = {HTTPD_C_MODULE_ABI, "bench_roots", params, mod_init,
                                                  destroy};
