/*
 * What OpenSIPS's administrators ask the module: MI commands and statistics.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

/* NOLINTBEGIN: C, with OpenSIPS's names and macros */

#include "opensips/module_mi.h"

#include <stdlib.h>
#include <string.h>

#include "dprint.h"
#include "opensips/border.h"
#include "statistics.h"
#include "str.h"

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

#define RELOAD_FAILED 500
#define NO_ACCESS_LOG 404
#define RELOAD_TEXT_SIZE 4096

/* ------------------------------------------------- MI commands ------------------------------------------ */

static mi_response_t* mi_list_root_path(const mi_params_t* params, struct mi_handler* async) {
  mi_item_t* list;
  mi_response_t* const response = init_mi_result_array(&list);
  const char *root, *module;
  (void)params;
  (void)async;
  if (response == NULL) return NULL;
  for (size_t i = 0; httpd_engine_root(httpd_module_engine(), i, &root, &module) == 0; ++i) {
    mi_item_t* const item = add_mi_object(list, NULL, 0);
    if (item == NULL || add_mi_string(item, MI_SSTR("http_root"), root, (int)strlen(root)) < 0 ||
        add_mi_string(item, MI_SSTR("module"), module, (int)strlen(module)) < 0) {
      free_mi_response(response);
      return NULL;
    }
  }
  return response;
}

/* Adds one request to the list that it belongs to. */
struct request_lists {
  mi_item_t *handlers, *queue;
};

static int add_request(void* context, const struct httpd_request* request) {
  const struct request_lists* const lists = context;
  mi_item_t* const item = add_mi_object(request->waits ? lists->queue : lists->handlers, NULL, 0);
  if (item == NULL || add_mi_string(item, MI_SSTR("Root"), request->root, (int)strlen(request->root)) < 0 ||
      add_mi_string(item, MI_SSTR("Request"), request->request, (int)strlen(request->request)) < 0 ||
      add_mi_string(item, MI_SSTR("Client"), request->client, (int)strlen(request->client)) < 0 ||
      add_mi_string(item, MI_SSTR("State"), request->state, (int)strlen(request->state)) < 0 ||
      add_mi_number(item, MI_SSTR("Seconds"), request->seconds) < 0)
    return -1;
  return request->waits ? 0 : add_mi_number(item, MI_SSTR("PID"), request->process);
}

static mi_response_t* mi_requests(const mi_params_t* params, struct mi_handler* async) {
  mi_item_t* result;
  struct request_lists lists;
  mi_response_t* const response = init_mi_result_object(&result);
  (void)params;
  (void)async;
  if (response == NULL) return NULL;
  lists.handlers = add_mi_array(result, MI_SSTR("Handlers"));
  lists.queue = add_mi_array(result, MI_SSTR("Queue"));
  if (lists.handlers == NULL || lists.queue == NULL ||
      httpd_engine_requests(httpd_module_engine(), add_request, &lists) != 0) {
    free_mi_response(response);
    return NULL;
  }
  return response;
}

static mi_response_t* mi_tls_reload(const mi_params_t* params, struct mi_handler* async) {
  char text[RELOAD_TEXT_SIZE];
  mi_item_t *result, *certificates;
  mi_response_t* response;
  (void)params;
  (void)async;
  if (httpd_engine_reload_tls(httpd_module_engine(), text, sizeof text) != 0)
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

static mi_response_t* mi_auth_reload(const mi_params_t* params, struct mi_handler* async) {
  char text[RELOAD_TEXT_SIZE];
  mi_item_t* result;
  mi_response_t* response;
  (void)params;
  (void)async;
  if (httpd_engine_reload_credentials(httpd_module_engine(), text, sizeof text) != 0)
    return init_mi_error_extra(RELOAD_FAILED, MI_SSTR("Credentials not reloaded"), text, (int)strlen(text));
  response = init_mi_result_object(&result);
  if (response != NULL && add_mi_string(result, MI_SSTR("Credentials"), text, (int)strlen(text)) < 0) {
    free_mi_response(response);
    return NULL;
  }
  return response;
}

static mi_response_t* mi_access_log_reopen(const mi_params_t* params, struct mi_handler* async) {
  (void)params;
  (void)async;
  if (httpd_engine_reopen_log(httpd_module_engine()) != 0)
    return init_mi_error(NO_ACCESS_LOG, MI_SSTR("There is no access log"));
  return init_mi_result_ok();
}

const mi_export_t httpd_mi_commands[] = {
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
    {MI_NAME("auth_reload"),
     "reads the files of users and tokens again",
     0,
     0,
     {{mi_auth_reload, {0}}, {EMPTY_MI_RECIPE}} MI_ALIAS("auth_reload")},
    {MI_NAME("access_log_reopen"),
     "opens the file of the access log again, after it was renamed",
     0,
     0,
     {{mi_access_log_reopen, {0}}, {EMPTY_MI_RECIPE}} MI_ALIAS("access_log_reopen")},
    {MI_NAME("requests"),
     "lists the requests that are with handlers, where and since when, and those that wait for one",
     0,
     0,
     {{mi_requests, {0}}, {EMPTY_MI_RECIPE}} MI_ALIAS("requests")},
    {EMPTY_MI_EXPORT}};

/* ------------------------------------------------- statistics ------------------------------------------- */

#ifdef STATISTICS
static unsigned long read_statistic(void* index) {
  return httpd_engine_statistic(httpd_module_engine(), (size_t)index);
}

int httpd_register_statistics(void) {
  static size_t i = 0;
  const char* name;
  for (; (name = httpd_engine_statistic_name(httpd_module_engine(), i)) != NULL; ++i)
    if (register_stat2("httpd", (char*)name, (stat_var**)read_statistic, STAT_IS_FUNC, (void*)i, 0) != 0) {
      LM_ERR("cannot register the statistic %s\n", name);
      return -1;
    }
  return 0;
}
#else
int httpd_register_statistics(void) {
  return 0;
}
#endif

/* NOLINTEND */
