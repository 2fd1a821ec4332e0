// The memory that C-API handlers print their replies into: as large as it takes, and sent from where it lies.
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <memory>
#include <variant>
#include <vector>

#include <httpd/log.h>
#include <httpd/reply.h>

namespace httpd::capi {

/// Reserved address space in which pages appear as they are touched, followed by a page that may not be
/// touched. Of replies that are too large to have their memory kept for the next one, this process has one in
/// its memory at most, however many clients are slow.
///
/// With Kind::kMemory such a reply is lent as it lies, in large pages. Before somebody else prints, what its
/// client has not taken of it becomes a memory file (LentBytes::Borrower). With Kind::kFiles, for another
/// process to send, it lies in a mapped memory file from the beginning: it leaves this process's memory when
/// it is lent, and is read from the file as the client takes it.
///
/// With an exact size, handlers get that many bytes. Otherwise they get kReserve, or, where the kernel
/// refuses to reserve so much (RLIMIT_AS, vm.overcommit_memory=2), as much as is kept ready.
class PrintBuffer {
 public:
  static constexpr std::size_t kReserve = std::size_t{1} << 30U;
  enum class Kind : bool { kMemory, kFiles };

  /// `exact_size`: the parameter buf_size; 0 for automatic. `keep_ready`: how many bytes stay resident
  /// between replies; what was printed beyond them goes back to the system once it is sent. `log` is told at
  /// once when reserving failed. Throws std::bad_alloc when not even `keep_ready` bytes can be had. Nothing
  /// stays reserved before data() is called: a host makes this before it forks, and only the processes that
  /// run handlers are to have it.
  PrintBuffer(std::size_t exact_size, std::size_t keep_ready, Log& log, Kind kind = Kind::kFiles);
  ~PrintBuffer();
  PrintBuffer(const PrintBuffer&) = delete;
  PrintBuffer& operator=(const PrintBuffer&) = delete;

  /// The memory for the next reply, size() bytes; nullptr when there is none (then the reply is a 500).
  [[nodiscard]] char* data() noexcept;
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  /// True when all of [begin, begin + size) lies in the memory that data() gave last.
  [[nodiscard]] bool contains(const char* begin, std::size_t size) const noexcept;
  /// True when `begin` lies in it, wherever the text ends.
  [[nodiscard]] bool starts_in(const char* begin) const noexcept { return contains(begin, 0); }
  /// Gives back what was printed beyond the bytes kept ready, when nothing of it is to be sent. `likely`: the
  /// handler printed without using it; otherwise this looks only once in a while, since asking costs a system
  /// call.
  void settle(bool likely) noexcept;
  /// Lends [begin, begin + size), which contains() holds, until it is sent; data() gives fresh memory from
  /// now on. The buffer must outlive the LentBytes that it gave.
  [[nodiscard]] std::variant<LentBytes, FileBody> lend(const char* begin, std::size_t size);

 private:
  struct Range;
  static void take_back(void* context) noexcept;
  std::unique_ptr<Range> make_range(Kind kind) noexcept;
  std::unique_ptr<Range> take_range() noexcept;
  [[nodiscard]] std::size_t budget() const noexcept;

  std::size_t size_;
  std::size_t keep_ready_;
  Kind kind_;
  Range* long_loan_ = nullptr;  // a reply in memory that is longer than what is kept ready, and lent
  std::unique_ptr<Range> current_;
  std::vector<std::unique_ptr<Range>> spare_;
  unsigned since_trim_ = 0;
};

}  // namespace httpd::capi
