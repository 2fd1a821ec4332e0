// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/shared_state.h"

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <new>
#include <sys/mman.h>
#include <system_error>
#include <unistd.h>

#include <httpd/module.h>

#include "daemon/process_metrics.h"
#include "daemon/version.h"
#include "server/metrics.h"

namespace httpd::daemon {

SharedState::SharedState(std::vector<std::string> arguments, const server::Router& router)
    : arguments_(std::move(arguments)), router_(router), start_time_(std::time(nullptr)) {
  void* const memory =
      ::mmap(nullptr, sizeof(SharedMemory), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw std::system_error(errno, std::generic_category(), "mmap");
  memory_ = new (memory) SharedMemory{};
  memory_->log_level = kDefaultLogLevel;
  server::list_statistics(memory_->statistics, statistics_);
  set_pid(add_process("attendant"), ::getpid());
}

SharedState::~SharedState() {
  ::munmap(memory_, sizeof(SharedMemory));
}

std::size_t SharedState::add_process(std::string_view description) {
  const std::size_t id = memory_->process_count;
  if (id == SharedMemory::kMaxProcesses)
    throw ConfigError("more than " + std::to_string(SharedMemory::kMaxProcesses) + " processes");
  ProcessSlot& slot = memory_->processes[id];
  const std::size_t size = std::min(description.size(), slot.description.size() - 1);
  std::copy_n(description.data(), size, slot.description.data());
  slot.log_level = memory_->log_level.load();
  memory_->process_count = id + 1;
  return id;
}

void SharedState::set_pid(std::size_t id, pid_t pid) noexcept {
  memory_->processes[id].pid = pid;
}

std::vector<ProcessInfo> SharedState::processes() const {
  std::vector<ProcessInfo> result;
  for (std::size_t id = 0; id < memory_->process_count; ++id) {
    const ProcessSlot& slot = memory_->processes[id];
    if (const pid_t pid = slot.pid; pid != 0)
      result.push_back({static_cast<int>(id), pid, description(id), slot.log_level});
  }
  return result;
}

void SharedState::set_log_level(int level) {
  memory_->log_level = level;
  for (ProcessSlot& slot : memory_->processes)
    slot.log_level = level;
}

bool SharedState::set_log_level(pid_t pid, int level) {
  if (pid <= 0) return false;
  for (ProcessSlot& slot : memory_->processes)
    if (slot.pid == pid) {
      slot.log_level = level;
      return true;
    }
  return false;
}

int SharedState::log_level() const {
  return memory_->log_level;
}

server::RequestStatistics& SharedState::count_requests(bool has_queue) {
  has_queue_ = has_queue;
  requests_.emplace(router_.routes().size());
  server::list_root_statistics(*requests_, router_, has_queue, statistics_);
  return *requests_;
}

std::vector<Statistic> SharedState::statistics() const {
  std::vector<Statistic> result;
  result.reserve(statistics_.size() + 1);
  for (const server::NamedStatistic& statistic : statistics_)
    result.push_back({"httpd", statistic.name, static_cast<std::int64_t>(statistic.view.value()),
                      statistic.view.incremental});
  result.push_back({"core", "timestamp", static_cast<std::int64_t>(std::time(nullptr) - start_time_), false});
  return result;
}

void SharedState::reset_statistic(std::size_t index) {
  if (index < statistics_.size()) statistics_[index].view.reset();
}

std::vector<MetricFamily> SharedState::collect() const {
  std::vector<MetricFamily> families;
  families.push_back({"httpd_build", MetricFamily::Type::kInfo, "", "The version of the program."});
  families.back().metrics.push_back({{{"version", version_number()}, {"revision", revision()}}, 1});
  if (requests_)
    std::ranges::move(server::metric_families(memory_->statistics, *requests_, router_, has_queue_),
                      std::back_inserter(families));
  std::ranges::move(process_metrics(processes()), std::back_inserter(families));
  return families;
}

std::string SharedState::version() const {
  return daemon::version();
}

std::string SharedState::revision() const {
  return daemon::revision();
}

std::vector<Root> SharedState::roots() const {
  std::vector<Root> result;
  for (const server::Route& route : router_.routes())
    result.push_back({route.root, route.module});
  return result;
}

}  // namespace httpd::daemon
