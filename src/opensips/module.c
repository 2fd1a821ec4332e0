/*
 * The module as OpenSIPS loads it: exports, parameters, MI commands, statistics, the HTTPD process and its
 * reactor. The one file that includes OpenSIPS's headers, and that knows one release from another; all else
 * is behind border.h.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

/* NOLINTBEGIN: C, with OpenSIPS's names and macros */

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "dprint.h"
#include "globals.h"
#include "ip_addr.h"
#include "mi/mi.h"
#include "poll_types.h"
#include "pt.h"
#include "reactor_proc.h"
#include "sr_module.h"
#include "statistics.h"
#include "status_report.h"
#include "str.h"
#if __has_include("profiling.h")
#include "profiling.h"
#define HAS_PROFILING
#endif

#define HTTPD_IN_OPENSIPS
#include <httpd/httpd_load.h>

#include "opensips/border.h"

/* Releases differ in the address that they document as default. */
#if HTTPD_OPENSIPS_VERSION >= 40000
#define DEFAULT_IP "127.0.0.1"
#else
#define DEFAULT_IP "*"
#endif

/* Before 3.6 there is no receive_buf_size, and requests longer than its default were taken. */
#if HTTPD_OPENSIPS_VERSION < 30600
#define DEFAULT_RECEIVE_BUF_SIZE 32768
#else
#define DEFAULT_RECEIVE_BUF_SIZE 0
#endif

/* Where commands live in the namespace of their module, the name of before is an alias. */
#ifdef MAX_MI_ALIASES
#define MI_NAME(name) name
#define MI_ALIAS(name) \
  , {                  \
    "httpd_" name, 0   \
  }
#else
#define MI_NAME(name) "httpd_" name
#define MI_ALIAS(name)
#endif

/* Less than GRACEFUL_SHUTDOWN_TIMEOUT, when OpenSIPS kills what has not ended. */
#define FINISH_MILLISECONDS 3000

#define PROCESS_NAME "HTTPD "

#define RELOAD_FAILED 500
#define RELOAD_TEXT_SIZE 4096

static struct httpd_engine* engine;

static void write_log(int level, const char* line, size_t size) {
  LM_GEN(level, "%.*s\n", (int)size, line);
}

static int log_enabled(int level) {
  return is_printable(level);
}

#ifdef HAS_PROFILING
static void handler_entered(const char* path) {
  profiling_proc_start(LEVEL_EXTRAPROCS, 1);
  profiling_proc_enter(LEVEL_EXTRAPROCS, ss_merge256("HTTPD_CB ", (char*)path), 0);
}

static void handler_left(int status) {
  profiling_proc_exit(LEVEL_EXTRAPROCS, "HTTPD_CB", status);
  profiling_proc_end(LEVEL_EXTRAPROCS, status);
}
#else
static void handler_entered(const char* path) {
  (void)path;
}

static void handler_left(int status) {
  (void)status;
}
#endif

static const struct httpd_host host = {DEFAULT_IP,
                                       DEFAULT_RECEIVE_BUF_SIZE,
                                       MAX_PT_DESC - sizeof PROCESS_NAME,
                                       log_enabled,
                                       write_log,
                                       handler_entered,
                                       handler_left};

/* modparam() lines come first, then mod_init(); but nothing says that a line for httpd must be there, nor
 * that httpd is the first module whose mod_init() runs. */
static int have_engine(void) {
  if (engine == NULL) engine = httpd_engine_create(&host);
  return engine == NULL ? -1 : 0;
}

/* ------------------------------------------------- parameters ------------------------------------------- */

/* OpenSIPS does not tell a setter which parameter it sets, so each has a setter of its own. */
#define INTEGER_SETTER(name)                                          \
  static int set_##name(modparam_t type, void* value) {               \
    (void)type;                                                       \
    if (have_engine() != 0) return -1;                                \
    return httpd_engine_set_integer(engine, #name, (int)(long)value); \
  }
#define STRING_SETTER(name)                                            \
  static int set_##name(modparam_t type, void* value) {                \
    (void)type;                                                        \
    if (have_engine() != 0) return -1;                                 \
    return httpd_engine_set_string(engine, #name, (const char*)value); \
  }
#define INTEGER_EXPORT(name) {#name, INT_PARAM | USE_FUNC_PARAM, (void*)set_##name},
#define STRING_EXPORT(name) {#name, STR_PARAM | USE_FUNC_PARAM, (void*)set_##name},

/* Those of the engine: src/server/parameters.cpp. */
#define INTEGER_PARAMETERS(P)  \
  P(port)                      \
  P(buf_size)                  \
  P(conn_timeout)              \
  P(header_timeout)            \
  P(body_timeout)              \
  P(send_timeout)              \
  P(handler_timeout)           \
  P(post_buf_size)             \
  P(receive_buf_size)          \
  P(max_form_size)             \
  P(max_uri_size)              \
  P(max_header_size)           \
  P(max_header_fields)         \
  P(tls_key_permissions_check) \
  P(tls_handshake_timeout)     \
  P(tls_ticket_lifetime)
#define STRING_PARAMETERS(P) \
  P(ip)                      \
  P(listen)                  \
  P(auth_realm)              \
  P(auth_username)           \
  P(auth_password)           \
  P(tls_cert_file)           \
  P(tls_key_file)            \
  P(tls_ocsp_file)           \
  P(tls_ciphers)             \
  P(tls_ca_file)             \
  P(tls_verify_client)

INTEGER_PARAMETERS(INTEGER_SETTER)
STRING_PARAMETERS(STRING_SETTER)

static const param_export_t parameters[] = {INTEGER_PARAMETERS(INTEGER_EXPORT)
                                                STRING_PARAMETERS(STRING_EXPORT){NULL, 0, NULL}};

/* ------------------------------------------------- functions -------------------------------------------- */

/* What load_httpd_api() of other modules finds; theirs may run before mod_init() of this one. */
static int bind_httpd(httpd_api_t* api) {
  if (have_engine() != 0 || httpd_engine_accept_modules(engine, pkg_mem_size) != 0) return -1;
  return httpd_bind(api);
}

static const cmd_export_t functions[] = {{"httpd_bind", (cmd_function)bind_httpd, {{0, 0, 0}}, 0},
                                         {0, 0, {{0, 0, 0}}, 0}};

/* ------------------------------------------------- MI commands ------------------------------------------ */

static mi_response_t* mi_list_root_path(const mi_params_t* params, struct mi_handler* async) {
  mi_item_t* list;
  mi_response_t* const response = init_mi_result_array(&list);
  const char *root, *module;
  (void)params;
  (void)async;
  if (response == NULL) return NULL;
  for (size_t i = 0; httpd_engine_root(engine, i, &root, &module) == 0; ++i) {
    mi_item_t* const item = add_mi_object(list, NULL, 0);
    if (item == NULL || add_mi_string(item, MI_SSTR("http_root"), root, (int)strlen(root)) < 0 ||
        add_mi_string(item, MI_SSTR("module"), module, (int)strlen(module)) < 0) {
      free_mi_response(response);
      return NULL;
    }
  }
  return response;
}

static mi_response_t* mi_tls_reload(const mi_params_t* params, struct mi_handler* async) {
  char text[RELOAD_TEXT_SIZE];
  mi_item_t *result, *certificates;
  mi_response_t* response;
  (void)params;
  (void)async;
  if (httpd_engine_reload_tls(engine, text, sizeof text) != 0)
    return init_mi_error_extra(RELOAD_FAILED, MI_SSTR("TLS files not reloaded"), text, (int)strlen(text));
  response = init_mi_result_object(&result);
  if (response == NULL) return NULL;
  certificates = add_mi_array(result, MI_SSTR("Certificates"));
  for (char *rest = text, *line; certificates != NULL && (line = strsep(&rest, "\n")) != NULL;)
    if (*line != '\0' && add_mi_string(certificates, NULL, 0, line, (int)strlen(line)) < 0)
      certificates = NULL;
  if (certificates == NULL) {
    free_mi_response(response);
    return NULL;
  }
  return response;
}

static const mi_export_t commands[] = {
    {MI_NAME("list_root_path"),
     "lists the root paths and the modules that serve them",
     0,
     0,
     {{mi_list_root_path, {0}}, {EMPTY_MI_RECIPE}} MI_ALIAS("list_root_path")},
    {MI_NAME("tls_reload"),
     "reads the TLS certificates and keys again; open connections stay as they are",
     0,
     0,
     {{mi_tls_reload, {0}}, {EMPTY_MI_RECIPE}} MI_ALIAS("tls_reload")},
    {EMPTY_MI_EXPORT}};

/* ------------------------------------------------- statistics ------------------------------------------- */

#ifdef STATISTICS
static unsigned long read_statistic(void* index) {
  return httpd_engine_statistic(engine, (size_t)index);
}

static int register_statistics(void) {
  const char* name;
  for (size_t i = 0; (name = httpd_engine_statistic_name(i)) != NULL; ++i)
    if (register_stat2("httpd", (char*)name, (stat_var**)read_statistic, STAT_IS_FUNC, (void*)i, 0) != 0) {
      LM_ERR("cannot register the statistic %s\n", name);
      return -1;
    }
  return 0;
}
#else
static int register_statistics(void) {
  return 0;
}
#endif

/* ------------------------------------------------- the HTTPD process ------------------------------------ */

/* True while the HTTPD process is forked, in its parent and in itself. */
static int forks_httpd;

static int before_fork(void) {
  forks_httpd = 1;
  return httpd_engine_check_modules(engine);
}

static int after_fork(void) {
  forks_httpd = 0;
  httpd_engine_leave_sockets(engine);
  return 0;
}

/* In every process as soon as it is forked: OpenSIPS calls child_init() in some only, and its own handlers of
 * forks differ between releases. */
static void forked(void) {
  if (engine != NULL && !forks_httpd) httpd_engine_leave_sockets(engine);
}

/* OpenSIPS ends its processes with exit(): from a job in the reactor, where there is time to finish; or from
 * a signal's handler, where nothing may be touched. */
static void finish(void) {
  sigset_t blocked;
  if (sigprocmask(SIG_BLOCK, NULL, &blocked) != 0 || sigismember(&blocked, SIGTERM) ||
      sigismember(&blocked, SIGSEGV))
    return;
  httpd_engine_finish(engine, FINISH_MILLISECONDS);
}

/* Service managers send SIGTERM to every process, while the first process asks this one to end through a job
 * in the reactor. OpenSIPS's own handler would call exit() wherever this process is, in the middle of
 * finish() too: this one lets the reactor do it. */
static int end_event = -1;

static void on_sigterm(int signal_number) {
  const uint64_t one = 1;
  const int saved_errno = errno;
  ssize_t written = 0;
  (void)signal_number;
  if (sr_get_core_status() == STATE_TERMINATING) written = write(end_event, &one, sizeof one);
  (void)written; /* it fails where the event is set already */
  errno = saved_errno;
}

static int on_end(int fd, void* unused, int was_timeout) {
  (void)fd;
  (void)unused;
  (void)was_timeout;
  exit(0);
}

static int end_in_order(void) {
  end_event = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  return end_event >= 0 && reactor_proc_add_fd(end_event, on_end, NULL) >= 0 && atexit(finish) == 0 &&
                 signal(SIGTERM, on_sigterm) != SIG_ERR
             ? 0
             : -1;
}

static int on_readable(int fd, void* unused, int was_timeout) {
  (void)fd;
  (void)unused;
  (void)was_timeout;
  httpd_engine_run(engine);
  return 0;
}

/* Returns only when it could not begin; OpenSIPS ends then. */
static void httpd_process(int rank) {
  int descriptor;
  (void)rank;
  forks_httpd = 0;
  set_proc_attrs(PROCESS_NAME "%s", httpd_engine_addresses(engine));
  if (init_mi_child() != 0) {
    LM_ERR("failed to init the MI commands in the HTTPD process\n");
    return;
  }
  if (reactor_proc_init("HTTPD") < 0) {
    LM_ERR("failed to init the reactor of the HTTPD process\n");
    return;
  }
  descriptor = httpd_engine_serve(engine);
  if (descriptor < 0) return;
  if (reactor_proc_add_fd(descriptor, on_readable, NULL) < 0) {
    LM_ERR("failed to add the HTTP server to the reactor\n");
    return;
  }
  if (end_in_order() != 0) LM_WARN("replies in progress will be cut at the shutdown\n");
  reactor_proc_loop();
}

static const proc_export_t processes[] = {{"HTTPD", before_fork, after_fork, httpd_process, 1,
                                           PROC_FLAG_INITCHILD | PROC_FLAG_HAS_IPC | PROC_FLAG_NEEDS_SCRIPT},
                                          {NULL, 0, 0, NULL, 0, 0}};

/* ------------------------------------------------- the module ------------------------------------------- */

static int mod_init(void) {
  if (io_poll_method == POLL_SIGIO_RT) {
    LM_ERR(
        "the HTTP server cannot be watched with poll_method sigio_rt: set another one, epoll for instance\n");
    return -1;
  }
  if (have_engine() != 0 || httpd_engine_accept_modules(engine, pkg_mem_size) != 0) return -1;
  if (httpd_engine_open(engine) != 0) return -1;
  if (pthread_atfork(NULL, NULL, forked) != 0) {
    LM_ERR("no memory for a handler of forks\n");
    return -1;
  }
  return register_statistics();
}

static void mod_destroy(void) {
  httpd_engine_destroy(engine);
  engine = NULL;
}

__attribute__((visibility("default"))) struct module_exports exports = {
    "httpd",
    MOD_TYPE_DEFAULT,
    MODULE_VERSION,
    DEFAULT_DLFLAGS,
    0,    /* load function */
    NULL, /* dependencies */
    functions,
    0, /* async functions */
    parameters,
    NULL, /* statistics: registered by mod_init() */
    commands,
    NULL, /* pseudo-variables */
    NULL, /* transformations */
    processes,
    0, /* pre-initialization */
    mod_init,
    (response_function)NULL,
    mod_destroy,
    NULL, /* child_init */
    NULL  /* reload confirmation */
};

/* NOLINTEND */
