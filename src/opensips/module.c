/*
 * The module as OpenSIPS loads it: exports, parameters, the processes and their reactors. With module_mi.c
 * the only file that includes OpenSIPS's headers, and that knows one release from another; all else is behind
 * border.h.
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
#include "poll_types.h"
#include "pt.h"
#include "reactor_proc.h"
#include "sr_module.h"
#include "status_report.h"
#include "str.h"
#if __has_include("profiling.h")
#include "profiling.h"
#define HAS_PROFILING
#endif

#define HTTPD_IN_OPENSIPS
#include <httpd/httpd_load.h>

#include "opensips/border.h"
#include "opensips/module_mi.h"
#include "opensips/parameter_lists.h"

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

/* Less than GRACEFUL_SHUTDOWN_TIMEOUT, when OpenSIPS kills what has not ended. */
#define FINISH_MILLISECONDS 3000

#define PROCESS_NAME "HTTPD "
#define WORKER_NAME "HTTPD worker"
#define LOG_NAME "HTTPD access log"

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

#define WORKERS 1 /* their place among the processes */
#define LOG_WRITER 2
static proc_export_t processes[4];

/* In the background OpenSIPS counts the processes in a copy of itself that is made right after the script is
 * read, so a number that changed later would be missed there. */
static int count_processes(void) {
  processes[WORKERS].no = (unsigned int)httpd_engine_workers(engine);
  processes[LOG_WRITER].no = (unsigned int)httpd_engine_log_writers(engine);
  return 0;
}

static int set_integer(const char* name, int value) {
  if (have_engine() != 0 || httpd_engine_set_integer(engine, name, value) != 0) return -1;
  return count_processes();
}

static int set_string(const char* name, const char* value) {
  if (have_engine() != 0 || httpd_engine_set_string(engine, name, value) != 0) return -1;
  return count_processes();
}

/* OpenSIPS does not tell a setter which parameter it sets, so each has a setter of its own. */
#define INTEGER_SETTER(name)                            \
  static int set_##name(modparam_t type, void* value) { \
    (void)type;                                         \
    return set_integer(#name, (int)(long)value);        \
  }
#define STRING_SETTER(name)                             \
  static int set_##name(modparam_t type, void* value) { \
    (void)type;                                         \
    return set_string(#name, (const char*)value);       \
  }
#define INTEGER_EXPORT(name) {#name, INT_PARAM | USE_FUNC_PARAM, (void*)set_##name},
#define STRING_EXPORT(name) {#name, STR_PARAM | USE_FUNC_PARAM, (void*)set_##name},

INTEGER_PARAMETERS(INTEGER_SETTER)
STRING_PARAMETERS(STRING_SETTER)

static const param_export_t parameters[] = {INTEGER_PARAMETERS(INTEGER_EXPORT)
                                                STRING_PARAMETERS(STRING_EXPORT){NULL, 0, NULL}};

struct httpd_engine* httpd_module_engine(void) {
  return engine;
}

/* ------------------------------------------------- functions -------------------------------------------- */

/* What load_httpd_api() of other modules finds; theirs may run before mod_init() of this one. */
static int bind_httpd(httpd_api_t* api) {
  if (have_engine() != 0 || httpd_engine_accept_modules(engine, pkg_mem_size) != 0) return -1;
  return httpd_bind(api);
}

static const cmd_export_t functions[] = {{"httpd_bind", (cmd_function)bind_httpd, {{0, 0, 0}}, 0},
                                         {0, 0, {{0, 0, 0}}, 0}};

/* ------------------------------------------------- the HTTPD process ------------------------------------ */

/* What is being forked, in its parent and in itself. */
static enum { OTHERS, HTTPD, WORKER, LOG } forks;

static int before_fork(void) {
  forks = HTTPD;
  return httpd_engine_check_modules(engine) == 0 ? httpd_register_statistics() : -1;
}

static int after_fork(void) {
  forks = OTHERS;
  httpd_engine_leave_sockets(engine);
  httpd_engine_leave_log_sender(engine);
  return 0;
}

static int before_workers(void) {
  forks = WORKER;
  return 0;
}

static int after_workers(void) {
  forks = OTHERS;
  httpd_engine_leave_workers(engine);
  return 0;
}

static int before_log(void) {
  forks = LOG;
  return 0;
}

static int after_log(void) {
  forks = OTHERS;
  httpd_engine_leave_log(engine);
  return 0;
}

/* In every process as soon as it is forked: OpenSIPS calls child_init() in some only, and its own handlers of
 * forks differ between releases. */
static void forked(void) {
  if (engine == NULL || forks == HTTPD) return;
  httpd_engine_leave_sockets(engine);
  httpd_engine_leave_log_sender(engine);
  if (forks != WORKER) httpd_engine_leave_workers(engine);
  if (forks != LOG) httpd_engine_leave_log(engine);
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

/* Does what both kinds of processes do once they can; `descriptor` is that of their event loop. Returns only
 * when it could not begin; OpenSIPS ends then. */
static void run_in_reactor(int descriptor) {
  if (descriptor < 0) return;
  if (reactor_proc_add_fd(descriptor, on_readable, NULL) < 0) {
    LM_ERR("failed to add the HTTP server to the reactor\n");
    return;
  }
  if (end_in_order() != 0) LM_WARN("replies in progress will be cut at the shutdown\n");
  reactor_proc_loop();
}

static int begin_process(char* name) {
  forks = OTHERS;
  /* A memory file that grows beyond the limit of file sizes is an error like any other. */
  signal(SIGXFSZ, SIG_IGN);
  if (init_mi_child() != 0) {
    LM_ERR("failed to init the MI commands in the process %s\n", name);
    return -1;
  }
  if (reactor_proc_init(name) < 0) {
    LM_ERR("failed to init the reactor of the process %s\n", name);
    return -1;
  }
  return 0;
}

static void httpd_process(int rank) {
  (void)rank;
  set_proc_attrs(PROCESS_NAME "%s", httpd_engine_addresses(engine));
  if (begin_process("HTTPD") == 0) run_in_reactor(httpd_engine_serve(engine));
}

static void worker_process(int rank) {
  set_proc_attrs(WORKER_NAME " %d", rank + 1);
  if (begin_process(WORKER_NAME) == 0) run_in_reactor(httpd_engine_work(engine, (unsigned)rank));
}

/* It has no reactor, since it may wait for a disk, and ends when the HTTPD process has ended. */
static void log_process(int rank) {
  (void)rank;
  forks = OTHERS;
  signal(SIGTERM, SIG_IGN);
  signal(SIGPIPE, SIG_IGN);
  signal(SIGXFSZ, SIG_IGN);
  set_proc_attrs(LOG_NAME);
  exit(httpd_engine_write_log(engine) == 0 ? 0 : 1);
}

#define PROCESS_FLAGS (PROC_FLAG_INITCHILD | PROC_FLAG_HAS_IPC | PROC_FLAG_NEEDS_SCRIPT)
static proc_export_t processes[4] = {
    {"HTTPD", before_fork, after_fork, httpd_process, 1, PROCESS_FLAGS},
    [WORKERS] = {WORKER_NAME, before_workers, after_workers, worker_process, 0, PROCESS_FLAGS},
    [LOG_WRITER] = {LOG_NAME, before_log, after_log, log_process, 0, 0},
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
  return httpd_register_statistics();
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
    httpd_mi_commands,
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
