// A request, a reply channel and a log without a server, for the tests of this folder.
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <arpa/inet.h>
#include <functional>
#include <gtest/gtest.h>
#include <map>
#include <memory>
#include <netinet/in.h>
#include <optional>
#include <string>
#include <unistd.h>
#include <vector>

#include <httpd/handler.h>
#include <httpd/log.h>

namespace httpd::capi {

struct FakeLog final : Log {
  bool enabled(LogLevel /*level*/) const noexcept override { return true; }
  void write(LogLevel /*level*/, std::string_view line) noexcept override { text.append(line).append("\n"); }
  [[nodiscard]] bool contains(std::string_view part) const { return text.find(part) != std::string::npos; }
  std::string text;
};

struct FakeRequest final : Request {
  Method method_value = Method::kGet;
  std::string path_value;
  std::string type;
  std::string body_value;
  std::map<std::string, std::string, std::less<>> arguments;
  sockaddr_in client_address{AF_INET, htons(4711), {htonl(0x7f000001)}, {}};
  sockaddr_in server_address{AF_INET, htons(8888), {htonl(0x7f000001)}, {}};

  Method method() const noexcept override { return method_value; }
  bool is_head() const noexcept override { return false; }
  std::string_view version() const noexcept override { return "HTTP/1.1"; }
  std::string_view target() const noexcept override { return "/root"; }
  std::string_view root() const noexcept override { return "root"; }
  std::string_view path() const noexcept override { return path_value; }
  std::string_view query() const noexcept override { return ""; }
  std::optional<std::string_view> field(std::string_view /*name*/) const noexcept override {
    return std::nullopt;
  }
  std::optional<std::string_view> argument(std::string_view name) const noexcept override {
    const auto found = arguments.find(name);
    if (found == arguments.end()) return std::nullopt;
    return found->second;
  }
  std::size_t argument_count() const noexcept override { return arguments.size(); }
  std::pair<std::string_view, std::string_view> argument_at(std::size_t /*index*/) const noexcept override {
    return {};
  }
  std::string_view media_type() const noexcept override { return type; }
  std::string_view body() const noexcept override { return body_value; }
  const sockaddr& client() const noexcept override {
    return reinterpret_cast<const sockaddr&>(client_address);
  }
  const sockaddr& server() const noexcept override {
    return reinterpret_cast<const sockaddr&>(server_address);
  }
};

struct FakeChannel final : ReplyChannel {
  int status = 200;
  std::string type;
  std::string fields;
  std::string body;
  std::optional<LentBytes> lent;
  std::optional<FileBody> file;
  std::unique_ptr<BodySource> source;
  bool finished = false;

  void set_status(int code) override { status = code; }
  void set_content_type(std::string_view value) override { type = value; }
  void add_field(std::string_view name, std::string_view value) override {
    fields.append(name).append(": ").append(value).append("\n");
  }
  void finish(std::string text) override {
    body = std::move(text);
    finished = true;
  }
  void finish_copy(std::string_view text) override {
    body = text;
    finished = true;
  }
  void finish(LentBytes bytes) override {
    body = bytes.view();
    lent.emplace(std::move(bytes));
    finished = true;
  }
  void finish(std::unique_ptr<BodySource> stream) override {
    source = std::move(stream);
    finished = true;
  }
  void finish(FileBody part) override {
    body.resize(part.size());
    EXPECT_EQ(::pread(part.descriptor(), body.data(), body.size(), static_cast<off_t>(part.offset())),
              static_cast<ssize_t>(body.size()));
    file.emplace(std::move(part));
    finished = true;
  }
  void finish(File /*file*/) override { finished = true; }
  void abandon() noexcept override { finished = true; }
  bool gone() const noexcept override { return false; }
  void notify_when_gone(std::function<void()> /*callback*/) override {}
  void held_by(Reply* /*holder*/) noexcept override {}
};

}  // namespace httpd::capi
