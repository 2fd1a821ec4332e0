// Reading and checking the parameters of mi_fifo.
// SPDX-License-Identifier: GPL-2.0-or-later
#include "handlers/mi_fifo/fifo_settings.h"

#include <cerrno>
#include <charconv>
#include <filesystem>
#include <grp.h>
#include <limits>
#include <pwd.h>
#include <string_view>
#include <sys/stat.h>
#include <system_error>

#include <httpd/parameter.h>

namespace httpd::mi_fifo {
namespace {

/// The largest id; the one above it stands for "unchanged" in chown().
constexpr uid_t kMaxId = std::numeric_limits<uid_t>::max() - 1;
static_assert(std::numeric_limits<gid_t>::max() - 1 == kMaxId);

/// A number given as a string, as OpenSIPS takes one.
std::optional<uid_t> as_id(std::string_view text) {
  uid_t id = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
  if (error != std::errc() || end != text.data() + text.size() || id > kMaxId) return std::nullopt;
  return id;
}

void set_user(FifoSettings& settings, const std::string& name) {
  if (const std::optional<uid_t> id = as_id(name)) {
    settings.fifo_user = *id;
    settings.fifo_user_group.reset();
    return;
  }
  const passwd* const entry = ::getpwnam(name.c_str());
  if (entry == nullptr) throw ConfigError("there is no user \"" + name + "\"");
  settings.fifo_user = entry->pw_uid;
  settings.fifo_user_group = entry->pw_gid;
}

void set_group(FifoSettings& settings, const std::string& name) {
  if (const std::optional<gid_t> id = as_id(name)) {
    settings.fifo_group = *id;
    return;
  }
  const group* const entry = ::getgrnam(name.c_str());
  if (entry == nullptr) throw ConfigError("there is no group \"" + name + "\"");
  settings.fifo_group = entry->gr_gid;
}

/// -1, the default of OpenSIPS, stands for none.
template <class Id>
std::optional<Id> optional_id(long long value) {
  if (value < 0) return std::nullopt;
  return static_cast<Id>(value);
}

void check_directory(const char* parameter, const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) {
    throw ConfigError(std::string(parameter) + ": " + path + ": " + std::system_category().message(errno));
  }
  if (!S_ISDIR(status.st_mode))
    throw ConfigError(std::string(parameter) + ": " + path + " is not a directory");
}

void check_fifo_name(const std::string& path) {
  if (path.empty()) throw ConfigError("fifo_name: the name is empty; give the path of the FIFO to make");
  const std::filesystem::path directory = std::filesystem::path(path).parent_path();
  check_directory("fifo_name", directory.empty() ? "." : directory.string());
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0) {
    if (errno == ENOENT) return;
    throw ConfigError("fifo_name: " + path + ": " + std::system_category().message(errno));
  }
  if (!S_ISFIFO(status.st_mode)) {
    throw ConfigError("fifo_name: " + path + " exists and is not a FIFO; remove it or give another name");
  }
}

}  // namespace

std::vector<Parameter> fifo_parameters(FifoSettings& settings) {
  std::vector<Parameter> list;
  list.push_back(
      string_parameter("fifo_name", [&settings](const std::string& value) { settings.fifo_name = value; }));
  list.push_back(integer_parameter("fifo_mode", 0, 0777, [&settings](long long value) {
    settings.fifo_mode = static_cast<mode_t>(value);
  }));
  list.push_back(
      string_parameter("fifo_group", [&settings](const std::string& value) { set_group(settings, value); }));
  list.push_back(integer_parameter("fifo_group", -1, kMaxId, [&settings](long long value) {
    settings.fifo_group = optional_id<gid_t>(value);
  }));
  list.push_back(
      string_parameter("fifo_user", [&settings](const std::string& value) { set_user(settings, value); }));
  list.push_back(integer_parameter("fifo_user", -1, kMaxId, [&settings](long long value) {
    settings.fifo_user = optional_id<uid_t>(value);
    settings.fifo_user_group.reset();
  }));
  list.push_back(
      string_parameter("reply_dir", [&settings](const std::string& value) { settings.reply_dir = value; }));
  list.push_back(integer_parameter("pretty_printing", 0, 1,
                                   [&settings](long long value) { settings.pretty_printing = value != 0; }));
  return list;
}

void check(FifoSettings& settings, Log& log) {
  check_fifo_name(settings.fifo_name);
  if (settings.reply_dir.empty()) throw ConfigError("reply_dir: the name is empty; give a directory");
  check_directory("reply_dir", settings.reply_dir);
  if (settings.reply_dir.back() != '/') settings.reply_dir += '/';
  if (settings.fifo_mode == 0) {
    log.write(LogLevel::kWarning, "mi_fifo: fifo_mode 0 would lock everybody out; using 0600");
    settings.fifo_mode = 0600;
  }
}

}  // namespace httpd::mi_fifo
