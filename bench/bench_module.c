/*
 * What the comparison asks of httpd: a module in C under the root "bench". GET prints a page of 500 bytes, or
 * of 4 MiB for /large; POST prints the body that it was sent. SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <stdio.h>
#include <string.h>

#include <httpd/httpd_load.h>
#include <httpd/httpd_module.h>

#define REPLY_SIZE 500
#define LARGE_SIZE (4 * 1024 * 1024)

static httpd_api_t httpd;
static char root_name[] = "bench";
static str root = {root_name, sizeof root_name - 1};

static int answer(void* cls, void* connection, const char* url, const char* method, const char* version,
                  const char* upload_data, size_t upload_data_size, void** con_cls, str* buffer, str* page,
                  union sockaddr_union* client) {
  (void)cls, (void)connection, (void)version, (void)con_cls, (void)client;
  const int posted = strcmp(method, "POST") == 0;
  const size_t page_size = strcmp(url, "/large") == 0 ? LARGE_SIZE : REPLY_SIZE;
  const size_t size = posted ? upload_data_size : page_size;
  if (size > (size_t)buffer->len) return 500;
  if (!posted) {
    memset(buffer->s, 'x', size);
  } else if (size > 0) {
    memcpy(buffer->s, upload_data, size);
  }
  page->s = buffer->s;
  page->len = (int)size;
  return 200;
}

static ssize_t end_of_body(void* cls, uint64_t pos, char* buf, size_t max) {
  (void)cls, (void)pos, (void)buf, (void)max;
  return -1;
}

static int mod_init(void) {
  if (load_httpd_api(&httpd) != 0) {
    (void)fprintf(stderr, "bench_module: load httpd.so first\n");
    return -1;
  }
  return httpd.register_httpdcb("bench", &root, answer, end_of_body, HTTPD_APPLICATION_JSON_CNT_TYPE, NULL);
}

const struct httpd_module_exports httpd_module = {HTTPD_C_MODULE_ABI, "bench", NULL, mod_init, NULL};
