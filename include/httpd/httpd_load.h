/*
 * The C registration API of the httpd module: how a module gives a root path to the HTTP transport.
 * Source- and binary-compatible with modules/httpd/httpd_load.h of OpenSIPS 3.2 and later.
 *
 * In a module for OpenSIPS include OpenSIPS's str.h, ip_addr.h and sr_module.h first and define
 * HTTPD_IN_OPENSIPS; elsewhere this header brings the three things it needs from them.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef HTTPD_LOAD_H
#define HTTPD_LOAD_H

/* NOLINTBEGIN(modernize-*,readability-identifier-naming,bugprone-reserved-identifier,cert-*): C, with
 * OpenSIPS's names */

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#ifndef HTTPD_IN_OPENSIPS
#include <netinet/in.h>
#include <sys/socket.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Text with its length; not terminated by a NUL unless said so. */
struct __str {
  char* s;
  int len;
};
typedef struct __str str;

union sockaddr_union {
  struct sockaddr s;
  struct sockaddr_in sin;
  struct sockaddr_in6 sin6;
};

/* A function that another module exports under a name, NULL when there is none. `flags` is not used. */
typedef void (*httpd_export_f)(void);
httpd_export_f find_export(const char* name, int flags);

#ifdef __cplusplus
}
#endif
#endif /* HTTPD_IN_OPENSIPS */

#ifdef __cplusplus
extern "C" {
#endif

/* The length of a body that is not known beforehand. */
#define HTTPD_UNKNOWN_CONTENT_LEN (-1)

/* The Content-Type of a root's replies. */
enum HTTPD_CONTENT_TYPE {
  HTTPD_UNKNOWN_CNT_TYPE = -1,      /* sent as text/html */
  HTTPD_STD_CNT_TYPE = 0,           /* sent as text/html */
  HTTPD_TEXT_HTML_TYPE,             /* text/html */
  HTTPD_TEXT_XML_CNT_TYPE,          /* text/xml; charset=utf-8 */
  HTTPD_APPLICATION_JSON_CNT_TYPE,  /* application/json */
  HTTPD_TEXT_PLAIN_TYPE,            /* text/plain */
  HTTPD_TEXT_PLAIN_PROMETHEUS_TYPE, /* text/plain; version=0.0.4 */
};

/*
 * Answers one request. All pointers are valid until it returns.
 *
 * - cls: always NULL
 * - connection: handle for lookup_arg()
 * - url: the path below the root, percent-decoded, NUL-terminated: "" or begins with '/'
 * - method: "GET" (also for HEAD) or "POST", NUL-terminated
 * - version: "HTTP/1.0" or "HTTP/1.1", NUL-terminated
 * - upload_data: the body of a POST that is not a form; the byte after it is a NUL. NULL when there is none
 * - upload_data_size: its length in bytes
 * - con_cls: a place for a pointer of the handler's own during this request; NULL at first
 * - buffer: memory to print the reply into: buffer->s and, in buffer->len, how many bytes it has
 * - page: set to the reply's body: a part of `buffer`, or memory of the handler's own, which is copied after
 *   the callback returns. Left at s == NULL, the body comes from the flush-data callback
 * - cl_socket: the client's address
 *
 * Returns the HTTP status code to answer with.
 */
typedef int(httpd_acces_handler_cb)(void* cls, void* connection, const char* url, const char* method,
                                    const char* version, const char* upload_data, size_t upload_data_size,
                                    void** con_cls, str* buffer, str* page, union sockaddr_union* cl_socket);

/*
 * Gives the next piece of a body: writes at most `max` bytes to `buf` and returns how many, 0 to be asked
 * again later, -1 at the end of the body, any other negative number when it cannot be completed (the
 * connection is cut). `pos` is the number of bytes given so far; `cls` is always NULL.
 */
typedef ssize_t(httpd_flush_data_cb)(void* cls, uint64_t pos, char* buf, size_t max);

/* Called once in every process that runs handlers, before its first request. */
typedef void(httpd_init_proc_cb)(void);

/*
 * Looks up an argument of a POSTed form or of the query. `key` is compared exactly; `val` is set to the
 * decoded value, NUL-terminated and valid until the access handler returns, or to {NULL, 0}. For a POST that
 * is not a form the key "1" is the body. `con_cls` is not used.
 */
typedef void (*lookup_arg_f)(void* connection, const char* key, void* con_cls, str* val);

/*
 * Registers a root path with its callbacks. `mod` and `root_path` must live as long as the process. White
 * space around the root is cut; it consists of segments of [A-Za-z0-9_.~-] joined by '/'. The longest root
 * that matches a path on a segment border gets it. `init` may be NULL. Returns 0, or -1 after logging what is
 * wrong; a root that is already taken also stops the start.
 */
typedef int (*register_httpdcb_f)(const char* mod, str* root_path, httpd_acces_handler_cb* access_handler,
                                  httpd_flush_data_cb* flush_data, enum HTTPD_CONTENT_TYPE type,
                                  httpd_init_proc_cb* init);

/*
 * The server's own address of the request being handled. The port is in host byte order, as the stock module
 * gives it. The pointer stays the same for the life of the process; what it points to changes with each
 * request.
 */
typedef union sockaddr_union* (*get_server_info_f)(void);

typedef struct httpd_api {
  lookup_arg_f lookup_arg;
  register_httpdcb_f register_httpdcb;
  get_server_info_f get_server_info;
} httpd_api_t;

/* Fills `api`; 0, or -1 for a NULL pointer. Modules reach it through load_httpd_api(). */
int httpd_bind(httpd_api_t* api);
typedef int (*load_httpd_f)(httpd_api_t* api);

/* Finds the httpd module and fills `api`. Returns 0, or -1 when httpd is not loaded. */
static inline int load_httpd_api(httpd_api_t* api) {
  load_httpd_f load_httpd = (load_httpd_f)find_export("httpd_bind", 0);
  if (load_httpd == NULL) return -1;
  return load_httpd(api) == -1 ? -1 : 0;
}

#ifdef __cplusplus
}
#endif

/* NOLINTEND(modernize-*,readability-identifier-naming,bugprone-reserved-identifier,cert-*) */

#endif /* HTTPD_LOAD_H */
