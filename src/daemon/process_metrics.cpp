// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/process_metrics.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <fstream>
#include <map>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "net/unique_fd.h"

namespace httpd::daemon {
namespace {

/// proc(5), /proc/PID/stat, counted from the third field, which is the first after the name.
struct Stat {
  static constexpr std::size_t kUserTime = 11;
  static constexpr std::size_t kSystemTime = 12;
  static constexpr std::size_t kThreads = 17;
  static constexpr std::size_t kStartTime = 19;
  static constexpr std::size_t kVirtualMemory = 20;
  static constexpr std::size_t kResidentPages = 21;
  static constexpr std::size_t kFields = 22;
  std::array<double, kFields> fields{};
};

std::string read_small(const std::string& path) {
  std::array<char, 4096> bytes{};
  const net::UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return {};
  const ssize_t count = ::read(file.get(), bytes.data(), bytes.size());
  return count > 0 ? std::string(bytes.data(), static_cast<std::size_t>(count)) : std::string();
}

std::optional<Stat> stat_of(pid_t process) {
  const std::string text = read_small(fmt::format("/proc/{}/stat", process));
  // The name may hold anything, parentheses and blanks too.
  const std::size_t end = text.rfind(')');
  if (end == std::string::npos) return std::nullopt;
  std::istringstream words(text.substr(end + 1));
  Stat stat;
  std::string state;
  words >> state;
  for (std::size_t i = 1; i < Stat::kFields; ++i)
    if (!(words >> stat.fields[i])) return std::nullopt;
  return stat;
}

/// When the system was started, in seconds since 1970.
std::optional<double> boot_time() {
  std::ifstream file("/proc/stat");
  std::string word;
  double seconds = 0;
  while (file >> word)
    if (word == "btime" && file >> seconds) return seconds;
  return std::nullopt;
}

std::optional<double> open_files(pid_t process) {
  const std::string path = fmt::format("/proc/{}/fd", process);
  struct stat status {};
  // Linux tells their number in the size from 6.2 on; before, it is 0.
  if (::stat(path.c_str(), &status) == 0 && status.st_size > 0) return static_cast<double>(status.st_size);
  struct Close {
    void operator()(DIR* directory) const noexcept { ::closedir(directory); }
  };
  const std::unique_ptr<DIR, Close> directory(::opendir(path.c_str()));
  if (directory == nullptr) return std::nullopt;
  double count = 0;
  while (const dirent* const entry = ::readdir(directory.get()))  // NOLINT(concurrency-mt-unsafe)
    if (entry->d_name[0] != '.') ++count;
  // One was opened to look.
  return process == ::getpid() ? count - 1 : count;
}

std::optional<double> most_files(pid_t process) {
  rlimit limit{};
  if (::prlimit(process, RLIMIT_NOFILE, nullptr, &limit) != 0) return std::nullopt;
  return static_cast<double>(limit.rlim_cur);
}

/// "HTTPD http://127.0.0.1:8888" is "HTTPD": labels are not to change with the configuration. Modules may
/// give several processes one name, and two series may not have the same labels: the second has a 2 behind
/// it.
std::string name_of(const ProcessInfo& process, std::map<std::string, int>& used) {
  const std::string& text = process.description;
  const std::string name = text.substr(0, std::min(text.find(" http"), text.find(" unix:")));
  const int nth = ++used[name];
  return nth == 1 ? name : fmt::format("{} {}", name, nth);
}

}  // namespace

std::vector<MetricFamily> process_metrics(const std::vector<ProcessInfo>& processes) {
  using Type = MetricFamily::Type;
  MetricFamily cpu{"process_cpu_seconds", Type::kCounter, "seconds", "User and system time."};
  MetricFamily resident{"process_resident_memory_bytes", Type::kGauge, "bytes", "Resident memory."};
  MetricFamily address_space{"process_virtual_memory_bytes", Type::kGauge, "bytes", "Address space in use."};
  MetricFamily threads{"process_threads", Type::kGauge, "", "Threads."};
  MetricFamily files{"process_open_fds", Type::kGauge, "", "Open file descriptors."};
  MetricFamily file_limit{"process_max_fds", Type::kGauge, "", "The limit of open file descriptors."};
  MetricFamily start{"process_start_time_seconds", Type::kGauge, "seconds",
                     "Start of the process, in seconds since 1970."};
  const auto ticks = static_cast<double>(::sysconf(_SC_CLK_TCK));
  const auto page = static_cast<double>(::sysconf(_SC_PAGESIZE));
  const std::optional<double> boot = boot_time();
  std::map<std::string, int> used;
  for (const ProcessInfo& process : processes) {
    const std::string name = name_of(process, used);
    const auto add = [&name](MetricFamily& family, std::optional<double> value) {
      if (value) family.metrics.push_back({{{"process", name}}, *value});
    };
    const std::optional<Stat> stat = stat_of(process.pid);
    if (!stat) continue;
    const auto& fields = stat->fields;
    add(cpu, (fields[Stat::kUserTime] + fields[Stat::kSystemTime]) / ticks);
    add(resident, fields[Stat::kResidentPages] * page);
    add(address_space, fields[Stat::kVirtualMemory]);
    add(threads, fields[Stat::kThreads]);
    add(files, open_files(process.pid));
    add(file_limit, most_files(process.pid));
    if (boot) add(start, *boot + fields[Stat::kStartTime] / ticks);
  }
  std::vector<MetricFamily> families;
  for (MetricFamily* const family : {&cpu, &resident, &address_space, &threads, &files, &file_limit, &start})
    families.push_back(std::move(*family));
  return families;
}

}  // namespace httpd::daemon
