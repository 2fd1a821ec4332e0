// A log, a Management Interface and a temporary directory, for the tests of the handlers.
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <filesystem>
#include <gtest/gtest.h>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <unistd.h>
#include <vector>

#include <httpd/log.h>
#include <httpd/mi.h>

namespace httpd {

/// Remembers its lines; may be written to by another thread.
class FakeLog final : public Log {
 public:
  [[nodiscard]] bool enabled(LogLevel /*level*/) const noexcept override { return true; }
  void write(LogLevel /*level*/, std::string_view line) noexcept override {
    const std::lock_guard lock(mutex_);
    lines_.emplace_back(line);
  }
  /// All lines so far, each with its end.
  [[nodiscard]] std::string text() const {
    const std::lock_guard lock(mutex_);
    std::string all;
    for (const std::string& line : lines_)
      all += line + '\n';
    return all;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<std::string> lines_;
};

/// Answers "<request>", or "<<request>>" when it is to be pretty; requests with the word "notify" get no
/// answer.
class FakeMi final : public Mi {
 public:
  void add(MiCommand /*command*/) override {}
  [[nodiscard]] std::optional<std::string> handle(std::string_view request, bool pretty) override {
    const std::lock_guard lock(mutex_);
    requests_.emplace_back(request);
    if (request.find("notify") != std::string_view::npos) return std::nullopt;
    if (request.find("large") != std::string_view::npos) return std::string(1'000'000, 'x');
    const std::string text = "<" + std::string(request) + ">";
    return pretty ? "<" + text + ">" : text;
  }
  [[nodiscard]] std::vector<std::string> requests() const {
    const std::lock_guard lock(mutex_);
    return requests_;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<std::string> requests_;
};

/// A directory of its own, removed with all that is in it.
class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string name = (std::filesystem::temp_directory_path() / "httpd_test_XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) ADD_FAILURE() << "mkdtemp failed";
    path_ = name + "/";
  }
  ~TemporaryDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  /// Ends in '/'.
  [[nodiscard]] const std::string& path() const noexcept { return path_; }

 private:
  std::string path_;
};

}  // namespace httpd
