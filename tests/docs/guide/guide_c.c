/*
 * The pieces of C that docs/DEVELOPER.md shows, word for word, in a module that can be asked.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <stdio.h>
#include <string.h>

#include <httpd/httpd_load.h>
#include <httpd/httpd_module.h>

int answer(void* cls, void* connection, const char* url, const char* method, const char* version,
           const char* upload_data, size_t upload_data_size, void** con_cls, str* buffer, str* page,
           union sockaddr_union* cl_socket);
ssize_t flush(void* cls, uint64_t pos, char* buf, size_t max);

static httpd_api_t httpd;
static char default_root[] = "guide";
static char* root = default_root;
static int limit = 3;
static str root_path;
static int processes;
static int destroyed;

static void init(void) {
  processes++;
}

/* GET /guide?name=X prints what lookup_arg() and get_server_info() say; below /guide/pieces the body comes in
 * pieces. */
int answer(void* cls, void* connection, const char* url, const char* method, const char* version,
           const char* upload_data, size_t upload_data_size, void** con_cls, str* buffer, str* page,
           union sockaddr_union* cl_socket) {
  (void)cls, (void)method, (void)version, (void)upload_data, (void)upload_data_size, (void)cl_socket;
  if (strcmp(url, "/pieces") == 0) return 200;
  str name = {NULL, 0};
  httpd.lookup_arg(connection, "name", *con_cls, &name);
  int length = snprintf(buffer->s, (size_t)buffer->len, "name=%s port=%d processes=%d\n",
                        name.s ? name.s : "", httpd.get_server_info()->sin.sin_port, processes);
  if (length < 0 || length >= buffer->len) return 500;
  page->s = buffer->s;
  page->len = length;
  return 200;
}

ssize_t flush(void* cls, uint64_t pos, char* buf, size_t max) {
  (void)cls;
  if (pos >= (uint64_t)limit || max == 0) return -1;
  buf[0] = (char)('a' + pos);
  return 1;
}

static int mod_init(void) {
  root_path.s = root;
  root_path.len = (int)strlen(root);
  if (load_httpd_api(&httpd) != 0) return -1;
  return httpd.register_httpdcb("my_module", &root_path, answer, flush, HTTPD_TEXT_PLAIN_TYPE, init);
}

static void destroy(void) {
  destroyed++;
}

static const struct httpd_module_param params[] = {
    {"root", HTTPD_STR_PARAM, &root},   /* char*: a copy that lives as long as the process */
    {"limit", HTTPD_INT_PARAM, &limit}, /* int */
    {NULL, HTTPD_STR_PARAM, NULL},
};

const struct httpd_module_exports httpd_module = {HTTPD_C_MODULE_ABI, "my_module", params, mod_init, destroy};
