// The extern "C" side of the engine: where exceptions end. SPDX-License-Identifier: GPL-2.0-or-later
#include "opensips/border.h"

#include <algorithm>
#include <exception>
#include <new>

#include "http/escape.h"
#include "opensips/engine.h"

/// What C sees as an opaque type.
struct httpd_engine {
  explicit httpd_engine(const httpd_host& host) : engine(host) {}
  httpd::opensips::Engine engine;
};

namespace {

using httpd::LogLevel;

constexpr std::chrono::seconds kReloadPatience{10};  // clients of MI wait no longer either

void log_failure(httpd::Log& log, std::string_view subject, const char* what) noexcept {
  try {
    log.write(LogLevel::kError, std::string(subject) + what);
  } catch (const std::bad_alloc&) {
    log.write(LogLevel::kError, "out of memory");
  }
}

/// Calls `work`; -1 after logging what it throws.
template <class Work>
int guarded(httpd_engine* engine, std::string_view subject, Work work) noexcept {
  try {
    work(engine->engine);
    return 0;
  } catch (const std::exception& exception) {
    log_failure(engine->engine.log(), subject, exception.what());
  } catch (...) {
    log_failure(engine->engine.log(), subject, "an exception that is no std::exception");
  }
  return -1;
}

int set(httpd_engine* engine, const char* name, const httpd::ParameterValue& value) noexcept {
  try {
    return guarded(engine, std::string("parameter \"") + name + "\": ", [&](httpd::opensips::Engine& target) {
      target.set(name, value);
    });
  } catch (const std::bad_alloc&) {
    return -1;
  }
}

int reload(httpd_engine* engine, httpd::server::Reload what, char* text, size_t size) {
  httpd::server::ReloadResult result;
  const int status = guarded(
      engine, "", [&](httpd::opensips::Engine& target) { result = target.reload(what, kReloadPatience); });
  if (status != 0) result = {false, "out of memory or descriptors; the log says more"};
  if (size == 0) return -1;
  const size_t copied = result.text.copy(text, size - 1);
  text[copied] = '\0';
  return result.good ? 0 : -1;
}

}  // namespace

extern "C" {

httpd_engine* httpd_engine_create(const httpd_host* host) {
  try {
    return new httpd_engine(*host);
  } catch (const std::exception& exception) {
    httpd::opensips::HostLog log(*host);
    log_failure(log, "httpd cannot start: ", exception.what());
    return nullptr;
  }
}

void httpd_engine_destroy(httpd_engine* engine) {
  delete engine;
}

int httpd_engine_set_integer(httpd_engine* engine, const char* name, int value) {
  return set(engine, name, static_cast<long long>(value));
}

int httpd_engine_set_string(httpd_engine* engine, const char* name, const char* value) {
  try {
    return set(engine, name, std::string(value == nullptr ? "" : value));
  } catch (const std::bad_alloc&) {
    return -1;
  }
}

int httpd_engine_accept_modules(httpd_engine* engine, size_t private_memory) {
  return guarded(engine, "", [&](httpd::opensips::Engine& target) { target.accept_modules(private_memory); });
}

int httpd_engine_open(httpd_engine* engine) {
  return guarded(engine, "", [](httpd::opensips::Engine& target) { target.open(); });
}

int httpd_engine_check_modules(httpd_engine* engine) {
  return guarded(engine, "", [](httpd::opensips::Engine& target) { target.check_modules(); });
}

void httpd_engine_leave_sockets(httpd_engine* engine) {
  engine->engine.leave_sockets();
}

const char* httpd_engine_addresses(const httpd_engine* engine) {
  return engine->engine.addresses().c_str();
}

int httpd_engine_serve(httpd_engine* engine) {
  int descriptor = -1;
  return guarded(engine, "the HTTPD process cannot serve: ",
                 [&](httpd::opensips::Engine& target) { descriptor = target.serve(); }) == 0
             ? descriptor
             : -1;
}

size_t httpd_engine_workers(const httpd_engine* engine) {
  return engine->engine.workers();
}

int httpd_engine_work(httpd_engine* engine, unsigned index) {
  int descriptor = -1;
  return guarded(engine, "a handler process cannot serve: ",
                 [&](httpd::opensips::Engine& target) { descriptor = target.work(index); }) == 0
             ? descriptor
             : -1;
}

void httpd_engine_leave_workers(httpd_engine* engine) {
  engine->engine.leave_workers();
}

size_t httpd_engine_log_writers(const httpd_engine* engine) {
  return engine->engine.log_writers();
}

int httpd_engine_write_log(httpd_engine* engine) {
  return guarded(engine, "the access log cannot be written: ", [](httpd::opensips::Engine& target) {
    target.write_log();
  });
}

void httpd_engine_leave_log_sender(httpd_engine* engine) {
  engine->engine.leave_log_sender();
}

void httpd_engine_leave_log(httpd_engine* engine) {
  engine->engine.leave_log();
}

int httpd_engine_reopen_log(httpd_engine* engine) {
  return guarded(engine, "", [](httpd::opensips::Engine& target) { target.reopen_log(); });
}

void httpd_engine_run(httpd_engine* engine) {
  static_cast<void>(guarded(engine, "", [](httpd::opensips::Engine& target) { target.run(); }));
}

void httpd_engine_finish(httpd_engine* engine, unsigned milliseconds) {
  static_cast<void>(guarded(engine, "", [&](httpd::opensips::Engine& target) {
    target.finish(std::chrono::milliseconds(milliseconds));
  }));
}

int httpd_engine_root(const httpd_engine* engine, size_t index, const char** root, const char** module) {
  const auto& routes = engine->engine.routes();
  if (index >= routes.size()) return -1;
  const httpd::server::Route& route = routes[routes.size() - 1 - index];
  *root = route.root.c_str();
  *module = route.module.c_str();
  return 0;
}

int httpd_engine_requests(httpd_engine* engine, int (*take)(void*, const httpd_request*), void* context) {
  using httpd::server::RequestBoard;
  int status = 0;
  const auto give = [&](const httpd::opensips::Engine& source) {
    for (const RequestBoard::Entry& entry : source.requests()) {
      const httpd_request request{entry.root.c_str(),
                                  entry.request.c_str(),
                                  entry.client.c_str(),
                                  RequestBoard::name(entry.state).data(),
                                  std::chrono::duration<double>(entry.since).count(),
                                  entry.process,
                                  entry.state == RequestBoard::State::kQueued ? 1 : 0};
      if (take(context, &request) != 0) {
        status = -1;
        return;
      }
    }
  };
  return guarded(engine, "", give) == 0 ? status : -1;
}

const char* httpd_engine_statistic_name(const httpd_engine* engine, size_t index) {
  return engine->engine.statistics().name(index);
}

unsigned long httpd_engine_statistic(const httpd_engine* engine, size_t index) {
  return engine->engine.statistics().value(index);
}

int httpd_engine_reload_tls(httpd_engine* engine, char* text, size_t size) {
  return reload(engine, httpd::server::Reload::kTls, text, size);
}

int httpd_engine_reload_credentials(httpd_engine* engine, char* text, size_t size) {
  return reload(engine, httpd::server::Reload::kCredentials, text, size);
}

}  // extern "C"
