/*
 * What the comparison asks of httpd: a module in C with five roots. "bench": GET prints a page of 500 bytes,
 * or of 4 MiB for /large; POST prints the body that it was sent. "print": /N prints N bytes. "take": POST
 * prints how long the body was. "sleep": /N blocks its process for N milliseconds. "busy": /N keeps its
 * process at work for N microseconds. SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>

#include <httpd/httpd_load.h>
#include <httpd/httpd_module.h>

#define REPLY_SIZE 500
#define LARGE_SIZE (4 * 1024 * 1024)

static httpd_api_t httpd;
static char root_name[] = "bench";
static char print_name[] = "print";
static char take_name[] = "take";
static char sleep_name[] = "sleep";
static char busy_name[] = "busy";
static str root = {root_name, sizeof root_name - 1};
static str print_root = {print_name, sizeof print_name - 1};
static str take_root = {take_name, sizeof take_name - 1};
static str sleep_root = {sleep_name, sizeof sleep_name - 1};
static str busy_root = {busy_name, sizeof busy_name - 1};

/* `size` times x. */
static int fill(size_t size, const str* buffer, str* page) {
  if (size > (size_t)buffer->len) return 500;
  memset(buffer->s, 'x', size);
  page->s = buffer->s;
  page->len = (int)size;
  return 200;
}

/* The number in /N. */
static unsigned long number_in(const char* url) {
  return url[0] == '/' ? strtoul(url + 1, NULL, 10) : 0;
}

static int answer(void* cls, void* connection, const char* url, const char* method, const char* version,
                  const char* upload_data, size_t upload_data_size, void** con_cls, str* buffer, str* page,
                  union sockaddr_union* client) {
  (void)cls, (void)connection, (void)version, (void)con_cls, (void)client;
  if (strcmp(method, "POST") != 0)
    return fill(strcmp(url, "/large") == 0 ? LARGE_SIZE : REPLY_SIZE, buffer, page);
  if (upload_data_size > (size_t)buffer->len) return 500;
  if (upload_data_size > 0) memcpy(buffer->s, upload_data, upload_data_size);
  page->s = buffer->s;
  page->len = (int)upload_data_size;
  return 200;
}

static int print_so_much(void* cls, void* connection, const char* url, const char* method,
                         const char* version, const char* upload_data, size_t upload_data_size,
                         void** con_cls, str* buffer, str* page, union sockaddr_union* client) {
  (void)cls, (void)connection, (void)method, (void)version, (void)upload_data, (void)upload_data_size;
  (void)con_cls, (void)client;
  return fill(number_in(url), buffer, page);
}

static int take(void* cls, void* connection, const char* url, const char* method, const char* version,
                const char* upload_data, size_t upload_data_size, void** con_cls, str* buffer, str* page,
                union sockaddr_union* client) {
  (void)cls, (void)connection, (void)url, (void)method, (void)version, (void)upload_data;
  (void)con_cls, (void)client;
  page->s = buffer->s;
  page->len = snprintf(buffer->s, (size_t)buffer->len, "%zu", upload_data_size);
  return 200;
}

static int sleep_so_long(void* cls, void* connection, const char* url, const char* method,
                         const char* version, const char* upload_data, size_t upload_data_size,
                         void** con_cls, str* buffer, str* page, union sockaddr_union* client) {
  const unsigned long milliseconds = number_in(url);
  struct timespec left = {(time_t)(milliseconds / 1000), (long)(milliseconds % 1000) * 1000000};
  (void)cls, (void)connection, (void)method, (void)version, (void)upload_data, (void)upload_data_size;
  (void)con_cls, (void)client;
  /* Else the kernel adds up to 50 microseconds. */
  (void)prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);
  while (nanosleep(&left, &left) != 0)
    continue;
  return fill(REPLY_SIZE, buffer, page);
}

/* What this process has computed so far: what others do meanwhile on the same core does not count. */
static long long worked(void) {
  struct timespec now = {0, 0};
  (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static int work_so_long(void* cls, void* connection, const char* url, const char* method, const char* version,
                        const char* upload_data, size_t upload_data_size, void** con_cls, str* buffer,
                        str* page, union sockaddr_union* client) {
  const long long end = worked() + (long long)number_in(url) * 1000;
  (void)cls, (void)connection, (void)method, (void)version, (void)upload_data, (void)upload_data_size;
  (void)con_cls, (void)client;
  while (worked() < end)
    continue;
  return fill(REPLY_SIZE, buffer, page);
}

static ssize_t end_of_body(void* cls, uint64_t pos, char* buf, size_t max) {
  (void)cls, (void)pos, (void)buf, (void)max;
  return -1;
}

static int add(str* path, httpd_acces_handler_cb* handler) {
  return httpd.register_httpdcb("bench", path, handler, end_of_body, HTTPD_APPLICATION_JSON_CNT_TYPE, NULL);
}

static int mod_init(void) {
  if (load_httpd_api(&httpd) != 0) {
    (void)fprintf(stderr, "bench_module: load httpd.so first\n");
    return -1;
  }
  if (add(&root, answer) != 0 || add(&print_root, print_so_much) != 0 || add(&take_root, take) != 0)
    return -1;
  return add(&sleep_root, sleep_so_long) != 0 ? -1 : add(&busy_root, work_so_long);
}

const struct httpd_module_exports httpd_module = {HTTPD_C_MODULE_ABI, "bench", NULL, mod_init, NULL};
