/*
 * The border between the module's C side, which knows OpenSIPS, and its C++ side, which knows the engine.
 * Both include this file alone of each other. No exception crosses: what goes wrong is logged through the
 * host, and the function says that it failed.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef HTTPD_OPENSIPS_BORDER_H
#define HTTPD_OPENSIPS_BORDER_H

/* NOLINTBEGIN(modernize-*,readability-identifier-naming,cert-*): C, with OpenSIPS's names */

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What the engine asks of OpenSIPS. Levels are those of log_level: -3 (alert) to 4 (debug). */
struct httpd_host {
  const char* default_ip;          /* of the parameter `ip`, as this release documents it */
  size_t default_receive_buf_size; /* bytes; 0: the engine's own */
  size_t longest_addresses;        /* of httpd_engine_addresses(), in bytes */
  /* Non-zero when lines of this level are written. */
  int (*log_enabled)(int level);
  /* Writes one line of `size` bytes. */
  void (*log)(int level, const char* line, size_t size);
  /* Around each call of a module's access handler; `path` is NUL-terminated and valid during the call. */
  void (*handler_entered)(const char* path);
  void (*handler_left)(int status);
};

/* The engine of one OpenSIPS, from the first modparam() on. */
struct httpd_engine;

/* Makes an engine. `host` must outlive it. NULL when there is no memory. */
struct httpd_engine* httpd_engine_create(const struct httpd_host* host);
/* Ends it, in the process that made it, once no other process serves any more. NULL is allowed. */
void httpd_engine_destroy(struct httpd_engine* engine);

/* One modparam() line. 0, or -1 for a name or a value that is not good. */
int httpd_engine_set_integer(struct httpd_engine* engine, const char* name, int value);
int httpd_engine_set_string(struct httpd_engine* engine, const char* name, const char* value);

/* Once all parameters are set: makes register_httpdcb() work, and does nothing when it does already.
 * `private_memory`: the host's private memory of one process, in bytes. 0, or -1. */
int httpd_engine_accept_modules(struct httpd_engine* engine, size_t private_memory);
/* Reads the TLS files and opens the listening sockets, as the user who started OpenSIPS; no descriptor is
 * opened before. 0, or -1. */
int httpd_engine_open(struct httpd_engine* engine);
/* Before the HTTPD process is forked, once all modules have registered their roots: -1 when a registration
 * failed, since modules do not look. */
int httpd_engine_check_modules(struct httpd_engine* engine);
/* In every process that is not the HTTPD process, once it will not fork that one: drops the listening
 * sockets, so that the port is free when the HTTPD process ends. */
void httpd_engine_leave_sockets(struct httpd_engine* engine);
/* What comes after "HTTPD " in the process's name: "127.0.0.1:8888", joined by ", "; where that is too long,
 * the first and the number of the others. Valid as long as the engine. */
const char* httpd_engine_addresses(const struct httpd_engine* engine);

/* In the HTTPD process: starts to serve. Returns the descriptor to watch for reading, whose callback is
 * httpd_engine_run(); or -1. */
int httpd_engine_serve(struct httpd_engine* engine);
/* The number of handler processes that the parameters ask for. */
size_t httpd_engine_workers(const struct httpd_engine* engine);
/* In the handler process with this number, from 0: as httpd_engine_serve(). */
int httpd_engine_work(struct httpd_engine* engine, unsigned index);
/* In every process that is neither, once it will fork neither: drops what leads from one to the other. */
void httpd_engine_leave_workers(struct httpd_engine* engine);
/* The number of processes that the access log needs, by the parameters: 0 or 1. */
size_t httpd_engine_log_writers(const struct httpd_engine* engine);
/* In that process: writes the access log, and returns once the HTTPD process has ended. 0, or -1. */
int httpd_engine_write_log(struct httpd_engine* engine);
/* In every process that is not the HTTPD process, once it will not fork that one: the log ends when that
 * process does. */
void httpd_engine_leave_log_sender(struct httpd_engine* engine);
/* In every process that neither writes the log nor will fork the one that does. */
void httpd_engine_leave_log(struct httpd_engine* engine);
/* In the HTTPD process and in handler processes, does what is due, and never blocks. */
void httpd_engine_run(struct httpd_engine* engine);
/* At the process's end: lets replies in progress finish for `milliseconds` at most, and calls no handler any
 * more. Does nothing in a process that does not serve, in one that this has forked, or from inside a handler.
 */
void httpd_engine_finish(struct httpd_engine* engine, unsigned milliseconds);

/* The root paths, the newest first: 0 and both strings, valid as long as the engine; -1 past the last. */
int httpd_engine_root(const struct httpd_engine* engine, size_t index, const char** root,
                      const char** module);

/* A request that a handler has, or that waits for one. All strings are valid during the call that gives it.
 */
struct httpd_request {
  const char* root;
  const char* request; /* the request line */
  const char* client;
  const char* state; /* "queued", "running", "kept", "streaming" or "overdue" */
  double seconds;    /* in this state */
  int process;       /* its pid; 0 while the request waits */
  int waits;
};
/* Gives all of them to `take`, the oldest first, from any process. 0; or -1 as soon as `take` returns
 * anything else, or there is no memory. */
int httpd_engine_requests(struct httpd_engine* engine,
                          int (*take)(void* context, const struct httpd_request* request), void* context);

/* The statistics: the name, valid as long as the engine, in the process that made it, NULL past the last; and
 * the value, from any process. httpd_engine_check_modules() adds those of the roots. */
const char* httpd_engine_statistic_name(const struct httpd_engine* engine, size_t index);
unsigned long httpd_engine_statistic(const struct httpd_engine* engine, size_t index);

/* Reads the TLS files again, from any process: waits for the HTTPD process, ten seconds at most. Sets `text`
 * (`size` bytes with its NUL) to the certificates now in service, a line each, and returns 0; or to what is
 * wrong, and returns -1. */
int httpd_engine_reload_tls(struct httpd_engine* engine, char* text, size_t size);
/* The same for the files of users and tokens; the text is one line. */
int httpd_engine_reload_credentials(struct httpd_engine* engine, char* text, size_t size);
/* Has the file of the access log opened again, soon, from any process. 0; or -1 when there is no such log. */
int httpd_engine_reopen_log(struct httpd_engine* engine);

#ifdef __cplusplus
}
#endif

/* NOLINTEND(modernize-*,readability-identifier-naming,cert-*) */

#endif /* HTTPD_OPENSIPS_BORDER_H */
