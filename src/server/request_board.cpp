// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/request_board.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <new>
#include <sys/mman.h>
#include <system_error>
#include <unistd.h>

#include "http/escape.h"
#include "server/fixed_text.h"

namespace httpd::server {
namespace {

constexpr int kReadAttempts = 16;  // a slot that changes all the time is left out

/// What a slot says. Plain bytes: a reader may see a torn copy, which the slot's version tells it.
struct Content {
  RequestBoard::State state;
  pid_t process;
  std::uint64_t order;
  std::int64_t since;  // nanoseconds of the steady clock, which all processes share
  net::Address client;
  FixedText<64> root;
  FixedText<128> request;
};

/// Whether another process with this id is there; not this one, which has only begun.
bool lives(pid_t process) noexcept {
  return process > 0 && process != ::getpid() && ::kill(process, 0) == 0;
}

}  // namespace

/// Odd while it is being written.
struct RequestBoard::Slot {
  std::atomic<std::uint32_t> version;
  Content content;

  template <typename Write>
  void write(Write change) noexcept {
    const std::uint32_t before = version.load(std::memory_order_relaxed);
    version.store(before + 1, std::memory_order_relaxed);
    std::atomic_thread_fence(std::memory_order_release);
    change(content);
    version.store(before + 2, std::memory_order_release);
  }
  /// False when it was being written at each attempt.
  bool read(Content& copy) const noexcept {
    for (int attempt = 0; attempt < kReadAttempts; ++attempt) {
      const std::uint32_t before = version.load(std::memory_order_acquire);
      if (before % 2 != 0) continue;
      std::memcpy(static_cast<void*>(&copy), &content, sizeof copy);
      std::atomic_thread_fence(std::memory_order_acquire);
      if (version.load(std::memory_order_relaxed) == before) return true;
    }
    return false;
  }
};

std::string_view RequestBoard::name(State state) noexcept {
  switch (state) {
    case State::kQueued:
      return "queued";
    case State::kRunning:
      return "running";
    case State::kKept:
      return "kept";
    case State::kStreaming:
      return "streaming";
    case State::kOverdue:
      return "overdue";
    case State::kFree:
      break;
  }
  return "free";
}

RequestBoard::RequestBoard() {
  void* const memory =
      ::mmap(nullptr, sizeof(Slot) * kSlots, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw std::system_error(errno, std::generic_category(), "shared memory");
  slots_ = new (memory) Slot[kSlots];
}

RequestBoard::~RequestBoard() {
  ::munmap(static_cast<void*>(slots_), sizeof(Slot) * kSlots);
}

void RequestBoard::take_over() {
  writer_ = ::getpid();
  free_.reserve(kSlots);
  free_.clear();
  inherited_.clear();
  for (std::size_t slot = kSlots; slot-- > 0;) {
    // Whoever wrote it before may have died in the middle.
    const bool torn = slots_[slot].version.load() % 2 != 0;
    if (torn) slots_[slot].version.fetch_add(1);
    const Content& content = slots_[slot].content;
    const bool runs = content.state == State::kRunning || content.state == State::kOverdue;
    if (!torn && runs && lives(content.process)) {
      slots_[slot].write([](Content& changed) { changed.state = State::kOverdue; });
      inherited_.push_back(static_cast<std::uint32_t>(slot));
    } else {
      slots_[slot].write([](Content& changed) { changed.state = State::kFree; });
      free_.push_back(static_cast<std::uint32_t>(slot));
    }
  }
}

void RequestBoard::forget_returned(pid_t process) noexcept {
  std::erase_if(inherited_, [&](std::uint32_t slot) {
    const pid_t its = slots_[slot].content.process;
    if (its != process && lives(its)) return false;
    close(slot);
    return true;
  });
}

std::size_t RequestBoard::open(const Exchange& request, State state, pid_t process,
                               net::TimePoint now) noexcept {
  if (free_.empty()) return kNone;
  const std::size_t slot = free_.back();
  free_.pop_back();
  slots_[slot].write([&](Content& content) {
    content.state = state;
    content.process = process;
    content.order = ++order_;
    content.since = now.time_since_epoch().count();
    content.client = request.client_address();
    content.root.assign(request.root());
    content.request.assign(request.parser().request_line({}));
  });
  return slot;
}

void RequestBoard::change(std::size_t slot, State state, pid_t process, net::TimePoint now) noexcept {
  if (slot == kNone) return;
  slots_[slot].write([&](Content& content) {
    content.state = state;
    content.process = process;
    content.since = now.time_since_epoch().count();
  });
}

void RequestBoard::close(std::size_t slot) noexcept {
  if (slot == kNone) return;
  slots_[slot].write([](Content& content) { content.state = State::kFree; });
  free_.push_back(static_cast<std::uint32_t>(slot));  // within what take_over() reserved
}

std::vector<RequestBoard::Entry> RequestBoard::entries() const {
  std::vector<Content> shown;
  for (std::size_t slot = 0; slot < kSlots; ++slot) {
    Content content;
    if (slots_[slot].read(content) && content.state != State::kFree) shown.push_back(content);
  }
  std::ranges::sort(shown, {}, &Content::order);
  const net::TimePoint now = std::chrono::steady_clock::now();
  std::vector<Entry> entries;
  entries.reserve(shown.size());
  for (const Content& content : shown) {
    const auto age = now.time_since_epoch() - net::Duration(content.since);
    entries.push_back({content.state, content.process, std::string(content.root.view()),
                       http::escape_for_log(content.request.view()), content.client.text(),
                       std::max(std::chrono::duration_cast<std::chrono::milliseconds>(age),
                                std::chrono::milliseconds::zero())});
  }
  return entries;
}

}  // namespace httpd::server
