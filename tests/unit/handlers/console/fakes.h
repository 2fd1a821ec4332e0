// A monitor, an event loop, requests and replies for the tests of the console.
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <functional>
#include <gtest/gtest.h>
#include <list>
#include <map>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <utility>
#include <vector>

#include <httpd/loop.h>
#include <httpd/monitor.h>
#include <httpd/reply.h>
#include <httpd/request.h>

namespace httpd::console {

/// Says what its members say.
class FakeMonitor : public Monitor {
 public:
  virtual ~FakeMonitor() = default;
  [[nodiscard]] std::vector<Statistic> statistics() const override {
    ++asked;
    return have_memory(statistics_value);
  }
  [[nodiscard]] std::vector<Root> roots() const override { return have_memory(roots_value); }
  [[nodiscard]] std::vector<Request> requests() const override {
    ++looked_at;
    return have_memory(requests_value);
  }
  [[nodiscard]] std::vector<Worker> workers() const override { return have_memory(workers_value); }
  [[nodiscard]] std::vector<Client> clients(std::size_t most) const override {
    std::vector<Client> clients = have_memory(clients_value);
    clients.resize(std::min(most, clients.size()));
    return clients;
  }
  [[nodiscard]] std::vector<Certificate> certificates() const override { return certificates_value; }
  [[nodiscard]] std::vector<Refusal> refusals() const override { return refusals_value; }
  [[nodiscard]] bool is_draining() const noexcept override { return draining; }

  /// The statistic with this name, made where there is none.
  Statistic& statistic(std::string_view name) {
    const auto found = std::ranges::find(statistics_value, name, &Statistic::name);
    return found != statistics_value.end() ? *found : statistics_value.emplace_back(Statistic{.name = name});
  }

  std::vector<Statistic> statistics_value{{"httpd:open_connections", 3, 3, false}, {"httpd:requests", 0, 0}};
  std::vector<Root> roots_value;
  std::vector<Request> requests_value;
  std::vector<Worker> workers_value;
  std::vector<Client> clients_value;
  std::vector<Certificate> certificates_value;
  std::vector<Refusal> refusals_value;
  bool draining = false;
  bool out_of_memory = false;
  mutable int asked = 0;      ///< for the statistics, which samples are made of
  mutable int looked_at = 0;  ///< the requests, which only snapshots are made of

 private:
  template <typename List>
  List have_memory(const List& list) const {
    if (out_of_memory) throw std::bad_alloc();
    return list;
  }
};

/// Runs nothing by itself.
class FakeLoop final : public Loop {
 public:
  [[nodiscard]] std::unique_ptr<Subscription> after(std::chrono::milliseconds delay,
                                                    std::function<void()> callback) override {
    return add({delay, -1, std::move(callback)});
  }
  [[nodiscard]] std::unique_ptr<Subscription> watch(int descriptor, std::function<void()> callback) override {
    return add({std::chrono::milliseconds::zero(), descriptor, std::move(callback)});
  }
  /// Calls what waits for the loop's next turn.
  void turn() {
    std::vector<std::function<void()>> due;
    for (Entry& entry : entries_)
      if (entry.descriptor < 0 && entry.delay == std::chrono::milliseconds::zero())
        due.push_back(std::exchange(entry.callback, nullptr));
    for (const auto& callback : due)
      if (callback) callback();
  }
  /// Calls who watches `descriptor`.
  void readable(int descriptor) {
    const auto found = std::ranges::find(entries_, descriptor, &Entry::descriptor);
    ASSERT_NE(found, entries_.end());
    found->callback();
  }
  /// The descriptor that is watched; -1 for none.
  [[nodiscard]] int watched() const {
    const auto found =
        std::ranges::find_if(entries_, [](const Entry& entry) { return entry.descriptor >= 0; });
    return found == entries_.end() ? -1 : found->descriptor;
  }
  [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }

 private:
  struct Entry {
    std::chrono::milliseconds delay;
    int descriptor;
    std::function<void()> callback;
  };
  class Held final : public Subscription {
   public:
    Held(std::list<Entry>& entries, std::list<Entry>::iterator self) : entries_(entries), self_(self) {}
    Held(const Held&) = delete;
    Held& operator=(const Held&) = delete;
    ~Held() override { entries_.erase(self_); }

   private:
    std::list<Entry>& entries_;
    std::list<Entry>::iterator self_;
  };
  std::unique_ptr<Subscription> add(Entry entry) {
    entries_.push_back(std::move(entry));
    return std::make_unique<Held>(entries_, std::prev(entries_.end()));
  }
  std::list<Entry> entries_;
};

// NOLINTNEXTLINE(cppcoreguidelines-virtual-class-destructor): final, and never deleted through its base
class FakeRequest final : public Request {
 public:
  explicit FakeRequest(std::string_view path) : path_value(path) {}
  [[nodiscard]] Method method() const noexcept override { return Method::kGet; }
  [[nodiscard]] bool is_head() const noexcept override { return head; }
  [[nodiscard]] std::string_view version() const noexcept override { return "HTTP/1.1"; }
  [[nodiscard]] std::string_view target() const noexcept override { return "/"; }
  [[nodiscard]] std::string_view root() const noexcept override { return root_value; }
  [[nodiscard]] std::string_view path() const noexcept override { return path_value; }
  [[nodiscard]] std::string_view query() const noexcept override { return "a=b"; }
  [[nodiscard]] std::optional<std::string_view> field(std::string_view name) const noexcept override {
    if (name != "If-None-Match" || if_none_match.empty()) return std::nullopt;
    return if_none_match;
  }
  [[nodiscard]] bool accepts_coding(std::string_view coding) const noexcept override {
    return gzip && coding == "gzip";
  }
  [[nodiscard]] std::optional<std::string_view> argument(std::string_view /*name*/) const noexcept override {
    return std::nullopt;
  }
  [[nodiscard]] std::size_t argument_count() const noexcept override { return 0; }
  [[nodiscard]] std::pair<std::string_view, std::string_view> argument_at(
      std::size_t /*index*/) const noexcept override {
    return {};
  }
  [[nodiscard]] std::string_view media_type() const noexcept override { return {}; }
  [[nodiscard]] std::string_view body() const noexcept override { return {}; }
  [[nodiscard]] const sockaddr& client() const noexcept override { return address_; }
  [[nodiscard]] const sockaddr& server() const noexcept override { return address_; }

  std::string path_value;
  std::string root_value = "console";
  std::string if_none_match;
  bool head = false;
  bool gzip = false;

 private:
  sockaddr address_{};
};

// NOLINTNEXTLINE(cppcoreguidelines-virtual-class-destructor): final, and never deleted through its base
class FakeChannel final : public ReplyChannel {
 public:
  void set_status(int code) override { status = code; }
  void set_content_type(std::string_view value) override { type = value; }
  void add_field(std::string_view name, std::string_view value) override {
    EXPECT_TRUE(fields.emplace(name, value).second) << name << " twice";
  }
  void finish(std::string text) override { end(std::move(text)); }
  void finish_copy(std::string_view text) override { end(std::string(text)); }
  void finish(LentBytes bytes) override { end(std::string(bytes.view())); }
  void finish(std::unique_ptr<BodySource> stream) override {
    source = std::move(stream);
    end({});
  }
  void finish(FileBody /*body*/) override { ADD_FAILURE() << "from a file"; }
  void finish(File /*file*/) override { ADD_FAILURE() << "from a file"; }
  void abandon() noexcept override { abandoned = true; }
  [[nodiscard]] bool gone() const noexcept override { return false; }
  void notify_when_gone(std::function<void()> /*callback*/) override {}
  void held_by(Reply* /*holder*/) noexcept override {}

  /// What the stream has for its client now. `ended` is what it says then.
  std::string read() {
    std::string got;
    std::array<char, 4096> piece{};
    while (source) {
      const std::ptrdiff_t count = source->read(position_, piece.data(), piece.size());
      if (count <= 0) {
        ended = count;
        break;
      }
      position_ += static_cast<std::uint64_t>(count);
      got.append(piece.data(), static_cast<std::size_t>(count));
    }
    return got;
  }
  /// The client goes away.
  void leave() { source.reset(); }

  int status = 200;
  std::string type;
  std::map<std::string, std::string> fields;
  std::string body;
  std::unique_ptr<BodySource> source;
  std::ptrdiff_t ended = 0;
  int finished = 0;
  bool abandoned = false;

 private:
  void end(std::string text) {
    body = std::move(text);
    ++finished;
  }
  std::uint64_t position_ = 0;
};

}  // namespace httpd::console
