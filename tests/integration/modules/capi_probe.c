/*
 * A module in C that shows the tests what the C registration API gives to a handler, and what it does with
 * what a handler gives back. SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <httpd/httpd_load.h>
#include <httpd/httpd_module.h>

static httpd_api_t api;
static char default_root[] = "  probe \t";
static char* echo_root = default_root;
static int number = 7;
static int init_calls = 0;

/* The flush-data callback has no argument of its own, so what it is to send stands here. */
static struct {
  uint64_t size;
  ssize_t at_end;
  int waits; /* whether every other call says "later" */
  int asked;
} flow;

static const char kPattern[] = "0123456789abcdefghijklmnopqrstuvwxyz\n";

static void count_init(void) {
  ++init_calls;
}

static void fill(char* to, size_t size, uint64_t from) {
  const size_t period = sizeof kPattern - 1;
  for (size_t i = 0; i < size; ++i)
    to[i] = kPattern[(from + i) % period];
}

static long number_in(const char* url) {
  return url[0] == '/' ? strtol(url + 1, NULL, 10) : 0;
}

static void print_hex(FILE* out, const char* name, const char* data, size_t size) {
  fprintf(out, "%s=", name);
  for (size_t i = 0; i < size; ++i)
    fprintf(out, "%02x", (unsigned)(unsigned char)data[i]);
  fputc('\n', out);
}

static void print_address(FILE* out, const char* name, const union sockaddr_union* address, unsigned port) {
  char text[INET6_ADDRSTRLEN] = "?";
  if (address->s.sa_family == AF_INET) inet_ntop(AF_INET, &address->sin.sin_addr, text, sizeof text);
  if (address->s.sa_family == AF_INET6) inet_ntop(AF_INET6, &address->sin6.sin6_addr, text, sizeof text);
  fprintf(out, "%s=%s %u\n", name, text, port);
}

static unsigned raw_port(const union sockaddr_union* address) {
  return address->s.sa_family == AF_INET6 ? address->sin6.sin6_port : address->sin.sin_port;
}

/* Prints all that the callback is given, a line each; bytes that a client chose are printed in hexadecimal.
 */
static int echo(void* cls, void* connection, const char* url, const char* method, const char* version,
                const char* upload_data, size_t upload_data_size, void** con_cls, str* buffer, str* page,
                union sockaddr_union* cl_socket) {
  static const char* const kKeys[] = {"a", "b", "1", "name", "empty", "missing"};
  FILE* out = fmemopen(buffer->s, (size_t)buffer->len, "w");
  if (out == NULL) return 500;
  fprintf(out, "cls=%s\n", cls == NULL ? "null" : "set");
  fprintf(out, "con_cls=%s\n", con_cls != NULL && *con_cls == NULL ? "null" : "set");
  print_hex(out, "url", url, strlen(url));
  fprintf(out, "method=%s\nversion=%s\nsize=%zu\n", method, version, upload_data_size);
  if (upload_data == NULL) {
    fprintf(out, "data=null\n");
  } else {
    print_hex(out, "data", upload_data, upload_data_size);
    fprintf(out, "nul_after_data=%d\n", upload_data[upload_data_size] == '\0');
  }
  for (size_t i = 0; i < sizeof kKeys / sizeof kKeys[0]; ++i) {
    str value = {NULL, 0};
    char name[32];
    api.lookup_arg(connection, kKeys[i], *con_cls, &value);
    snprintf(name, sizeof name, "arg.%s", kKeys[i]);
    if (value.s == NULL) {
      fprintf(out, "%s=null %d\n", name, value.len);
    } else {
      print_hex(out, name, value.s, (size_t)value.len);
      if (value.s[value.len] != '\0') fprintf(out, "%s.unterminated=1\n", name);
    }
  }
  print_address(out, "client", cl_socket, ntohs((uint16_t)raw_port(cl_socket)));
  print_address(out, "server", api.get_server_info(), raw_port(api.get_server_info()));
  fprintf(out, "init_calls=%d\nnumber=%d\nroot=%s\n", init_calls, number, echo_root);
  page->s = buffer->s;
  page->len = (int)ftell(out);
  fclose(out);
  return 200;
}

/* The callback's parameters, for handlers that look at the URL and the buffer alone. */
#define HANDLER(NAME)                                                                                       \
  static int NAME(void* cls, void* connection, const char* url, const char* method, const char* version,    \
                  const char* upload_data, size_t upload_data_size, void** con_cls, str* buffer, str* page, \
                  union sockaddr_union* cl_socket)
#define UNUSED                                                                            \
  (void)cls, (void)connection, (void)url, (void)method, (void)version, (void)upload_data, \
      (void)upload_data_size, (void)con_cls, (void)buffer, (void)page, (void)cl_socket

/* /STATUS: that status and no page; the flush-data callback ends at once, as that of OpenSIPS's mi_http. */
HANDLER(status) {
  UNUSED;
  page->s = NULL;
  page->len = 0;
  return (int)number_in(url);
}

static ssize_t flush_nothing(void* cls, uint64_t pos, char* buf, size_t max) {
  (void)cls, (void)pos, (void)buf, (void)max;
  return -1;
}

/* A page in the module's own memory. */
HANDLER(static_page) {
  static char text[] = "a page that the module keeps";
  UNUSED;
  page->s = text;
  page->len = (int)sizeof text - 1;
  return 200;
}

/* /N: N bytes printed into the buffer; a reply that does not fit is a 500, as in OpenSIPS's own modules. */
HANDLER(print) {
  const long size = number_in(url);
  UNUSED;
  page->s = NULL;
  page->len = 0;
  if (size > buffer->len) return 500;
  fill(buffer->s, (size_t)size, 0);
  page->s = buffer->s;
  page->len = (int)size;
  return 200;
}

/* The length and the Adler-32 checksum of what is uploaded. */
HANDLER(sum) {
  uint32_t a = 1, b = 0;
  UNUSED;
  for (size_t i = 0; i < upload_data_size; ++i) {
    a = (a + (unsigned char)upload_data[i]) % 65521;
    b = (b + a) % 65521;
  }
  page->s = buffer->s;
  page->len =
      snprintf(buffer->s, (size_t)buffer->len, "%zu %lu", upload_data_size, (unsigned long)(b << 16U | a));
  return 200;
}

/* /N: the buffer is filled, and the page is said to be N bytes longer than it. */
HANDLER(overstate) {
  UNUSED;
  fill(buffer->s, (size_t)buffer->len, 0);
  page->s = buffer->s;
  page->len = buffer->len + (int)number_in(url);
  return 200;
}

/* /N, /N/later, /N/broken: N bytes through the flush-data callback. */
HANDLER(stream) {
  const char* const how = url[0] == '/' ? strchr(url + 1, '/') : NULL;
  UNUSED;
  flow.size = (uint64_t)number_in(url);
  flow.at_end = how != NULL && strcmp(how, "/broken") == 0 ? -2 : -1;
  flow.waits = how != NULL && strcmp(how, "/later") == 0;
  flow.asked = 0;
  page->s = NULL;
  page->len = 0;
  return 200;
}

static ssize_t flush_pieces(void* cls, uint64_t pos, char* buf, size_t max) {
  const size_t kPiece = 1000;
  (void)cls;
  if (flow.waits && ++flow.asked % 2 == 1) return 0;
  if (pos >= flow.size) return flow.at_end;
  size_t size = (size_t)(flow.size - pos);
  if (size > kPiece) size = kPiece;
  if (size > max) size = max;
  fill(buf, size, pos);
  return (ssize_t)size;
}

/* /MS: takes so many milliseconds, and says on stderr when it begins. */
HANDLER(sleepy) {
  static char text[] = "awake";
  const long ms = number_in(url);
  const struct timespec time = {ms / 1000, (ms % 1000) * 1000000};
  UNUSED;
  fprintf(stderr, "capi_probe: sleeping %ld ms\n", ms);
  nanosleep(&time, NULL);
  page->s = text;
  page->len = (int)sizeof text - 1;
  return 200;
}

static int add(const char* root, httpd_acces_handler_cb* handler, httpd_flush_data_cb* flush,
               enum HTTPD_CONTENT_TYPE type, httpd_init_proc_cb* init) {
  /* The engine keeps the pointers. */
  static struct {
    str name;
    char text[64];
  } roots[20];
  static size_t used = 0;
  if (used == sizeof roots / sizeof roots[0]) return -1;
  str* const name = &roots[used].name;
  name->s = roots[used].text;
  name->len = snprintf(name->s, sizeof roots[used].text, "%s", root);
  ++used;
  return api.register_httpdcb("capi_probe", name, handler, flush, type, init);
}

static int mod_init(void) {
  static const struct {
    const char* root;
    enum HTTPD_CONTENT_TYPE type;
  } kTypes[] = {
      {"probe-type/unknown", HTTPD_UNKNOWN_CNT_TYPE},
      {"probe-type/default", HTTPD_STD_CNT_TYPE},
      {"probe-type/html", HTTPD_TEXT_HTML_TYPE},
      {"probe-type/xml", HTTPD_TEXT_XML_CNT_TYPE},
      {"probe-type/json", HTTPD_APPLICATION_JSON_CNT_TYPE},
      {"probe-type/plain", HTTPD_TEXT_PLAIN_TYPE},
      {"probe-type/prometheus", HTTPD_TEXT_PLAIN_PROMETHEUS_TYPE},
  };
  int failed = load_httpd_api(&api);
  if (failed != 0) return -1;
  failed |= add(echo_root, echo, flush_nothing, HTTPD_TEXT_PLAIN_TYPE, count_init);
  failed |= add("probe/deeper", static_page, flush_nothing, HTTPD_TEXT_PLAIN_TYPE, NULL);
  failed |= add("probe-status", status, flush_nothing, HTTPD_APPLICATION_JSON_CNT_TYPE, NULL);
  failed |= add("probe-static", static_page, flush_nothing, HTTPD_TEXT_PLAIN_TYPE, NULL);
  failed |= add("probe-print", print, flush_nothing, HTTPD_TEXT_PLAIN_TYPE, NULL);
  failed |= add("probe-sum", sum, flush_nothing, HTTPD_TEXT_PLAIN_TYPE, NULL);
  failed |= add("probe-overstate", overstate, flush_nothing, HTTPD_TEXT_PLAIN_TYPE, NULL);
  failed |= add("probe-stream", stream, flush_pieces, HTTPD_TEXT_PLAIN_TYPE, NULL);
  failed |= add("probe-sleep", sleepy, flush_nothing, HTTPD_TEXT_PLAIN_TYPE, NULL);
  for (size_t i = 0; i < sizeof kTypes / sizeof kTypes[0]; ++i)
    failed |= add(kTypes[i].root, static_page, flush_nothing, kTypes[i].type, NULL);
  return failed;
}

static const struct httpd_module_param params[] = {
    {"root", HTTPD_STR_PARAM, &echo_root},
    {"number", HTTPD_INT_PARAM, &number},
    {NULL, HTTPD_INT_PARAM, NULL},
};

const struct httpd_module_exports httpd_module = {HTTPD_C_MODULE_ABI, "capi_probe", params, mod_init, NULL};
