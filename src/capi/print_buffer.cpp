// SPDX-License-Identifier: GPL-2.0-or-later
#include "capi/print_buffer.h"

#include <new>
#include <string>
#include <sys/mman.h>
#include <unistd.h>

namespace httpd::capi {
namespace {

constexpr std::size_t kSpareRanges = 4;
constexpr unsigned kRepliesBetweenTrims = 256;

std::size_t page_size() noexcept {
  static const auto kSize = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  return kSize;
}

std::size_t round_up(std::size_t size) noexcept {
  return (size + page_size() - 1) / page_size() * page_size();
}

}  // namespace

/// One mapping: whole pages for `size` bytes, the last of which ends where the guard page begins.
struct PrintBuffer::Range {
  PrintBuffer* owner = nullptr;
  char* base = nullptr;
  std::size_t mapped = 0;  // without the guard page
  std::size_t size = 0;

  Range() = default;
  Range(const Range&) = delete;
  Range& operator=(const Range&) = delete;
  ~Range() {
    if (base != nullptr) ::munmap(base, mapped + page_size());
  }
  [[nodiscard]] char* data() const noexcept { return base + mapped - size; }
  /// Gives back the pages behind the first `keep` bytes.
  void trim(std::size_t keep) const noexcept {
    const std::size_t kept = round_up(keep + (mapped - size));
    if (kept < mapped) ::madvise(base + kept, mapped - kept, MADV_DONTNEED);
  }
};

PrintBuffer::PrintBuffer(std::size_t exact_size, std::size_t keep_ready, Log& log)
    : size_(exact_size != 0 ? exact_size : kReserve), keep_ready_(keep_ready) {
  spare_.reserve(kSpareRanges);
  std::unique_ptr<Range> probe = make_range();
  if (probe == nullptr && exact_size == 0) {
    size_ = keep_ready;
    probe = make_range();
    if (probe != nullptr)
      log.write(
          LogLevel::kWarning,
          "the system does not let httpd reserve 1 GiB of address space (ulimit -v, vm.overcommit_memory): "
          "replies that handlers print are limited to " +
              std::to_string(size_) + " bytes; parameter buf_size sets another limit");
  }
  if (probe == nullptr) throw std::bad_alloc();
}

PrintBuffer::~PrintBuffer() = default;

std::unique_ptr<PrintBuffer::Range> PrintBuffer::make_range() noexcept {
  const std::size_t mapped = round_up(size_);
  void* const base = ::mmap(nullptr, mapped + page_size(), PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (base == MAP_FAILED) return nullptr;
  std::unique_ptr<Range> range(new (std::nothrow) Range);
  if (range == nullptr) {
    ::munmap(base, mapped + page_size());
    return nullptr;
  }
  range->owner = this;
  range->base = static_cast<char*>(base);
  range->mapped = mapped;
  range->size = size_;
  ::mprotect(range->base + mapped, page_size(), PROT_NONE);
  return range;
}

char* PrintBuffer::data() noexcept {
  if (current_ == nullptr) {
    if (spare_.empty()) {
      current_ = make_range();
    } else {
      current_ = std::move(spare_.back());
      spare_.pop_back();
    }
  }
  return current_ == nullptr ? nullptr : current_->data();
}

bool PrintBuffer::contains(const char* begin, std::size_t size) const noexcept {
  if (current_ == nullptr) return false;
  const auto first = reinterpret_cast<std::uintptr_t>(current_->data());
  const auto at = reinterpret_cast<std::uintptr_t>(begin);
  return at >= first && at <= first + size_ && size <= first + size_ - at;
}

void PrintBuffer::settle(bool likely) noexcept {
  if (current_ == nullptr || (!likely && ++since_trim_ < kRepliesBetweenTrims)) return;
  since_trim_ = 0;
  current_->trim(keep_ready_);
}

LentBytes PrintBuffer::lend(const char* begin, std::size_t size) {
  return {begin, size, &PrintBuffer::take_back, current_.release()};
}

void PrintBuffer::take_back(void* context) noexcept {
  std::unique_ptr<Range> range(static_cast<Range*>(context));
  PrintBuffer& owner = *range->owner;
  if (owner.spare_.size() >= kSpareRanges) return;
  range->trim(owner.spare_.empty() ? owner.keep_ready_ : 0);
  owner.spare_.push_back(std::move(range));
}

}  // namespace httpd::capi
