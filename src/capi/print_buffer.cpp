// SPDX-License-Identifier: GPL-2.0-or-later
#include "capi/print_buffer.h"

#include <algorithm>
#include <cstdint>
#include <fcntl.h>
#include <new>
#include <string>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>
#include <utility>

namespace httpd::capi {
namespace {

constexpr std::size_t kSpareRanges = 4;
constexpr unsigned kRepliesBetweenTrims = 256;
constexpr std::size_t kInSmallPages = 1024 * 1024;

std::size_t page_size() noexcept {
  static const auto kSize = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  return kSize;
}

std::size_t round_up(std::size_t size) noexcept {
  return (size + page_size() - 1) / page_size() * page_size();
}

/// A memory file of this length; -1 where there can be none.
int make_file(std::size_t size) noexcept {
  rlimit limit{};
  // A longer file than that is answered with a signal.
  if (::getrlimit(RLIMIT_FSIZE, &limit) != 0 || limit.rlim_cur < size) return -1;
  const int file = ::memfd_create("httpd reply", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (file >= 0 && ::ftruncate(file, static_cast<off_t>(size)) == 0) return file;
  if (file >= 0) ::close(file);
  return -1;
}

}  // namespace

/// One mapping: whole pages for `size` bytes, the last of which ends where the guard page begins. Of a memory
/// file, or of memory that is nothing but memory.
struct PrintBuffer::Range {
  PrintBuffer* owner = nullptr;
  int file = -1;
  char* base = nullptr;
  std::size_t mapped = 0;  // without the guard page
  std::size_t size = 0;
  std::size_t used = 0;  // how much of it is resident, as far as is known
  LentBytes::Borrower* borrower = nullptr;

  Range() = default;
  Range(const Range&) = delete;
  Range& operator=(const Range&) = delete;
  ~Range() {
    unmap();
    if (file >= 0) ::close(file);
  }
  void unmap() noexcept {
    if (base != nullptr) ::munmap(std::exchange(base, nullptr), mapped + page_size());
  }
  [[nodiscard]] char* data() const noexcept { return base + mapped - size; }
  /// Gives back the pages behind the first `keep` bytes.
  void trim(std::size_t keep) noexcept {
    const std::size_t kept = round_up(keep + (mapped - size));
    if (kept < mapped) ::madvise(base + kept, mapped - kept, file >= 0 ? MADV_REMOVE : MADV_DONTNEED);
    used = std::min(used, keep);
  }
};

PrintBuffer::PrintBuffer(std::size_t exact_size, std::size_t keep_ready, Log& log, Kind kind)
    : size_(exact_size != 0 ? exact_size : kReserve), keep_ready_(keep_ready), kind_(kind) {
  spare_.reserve(kSpareRanges);
  std::unique_ptr<Range> probe = make_range(kind_);
  if (probe == nullptr && exact_size == 0) {
    size_ = keep_ready;
    probe = make_range(kind_);
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

std::unique_ptr<PrintBuffer::Range> PrintBuffer::make_range(Kind wanted) noexcept {
  const std::size_t mapped = round_up(size_);
  std::unique_ptr<Range> range(new (std::nothrow) Range);
  if (range == nullptr) return nullptr;
  if (wanted == Kind::kFiles) range->file = make_file(mapped + page_size());
  const int kind = range->file >= 0 ? MAP_SHARED : MAP_PRIVATE | MAP_ANONYMOUS;
  void* const base =
      ::mmap(nullptr, mapped + page_size(), PROT_READ | PROT_WRITE, kind | MAP_NORESERVE, range->file, 0);
  if (base == MAP_FAILED) return nullptr;
  range->owner = this;
  range->base = static_cast<char*>(base);
  range->mapped = mapped;
  range->size = size_;
  ::mprotect(range->base + mapped, page_size(), PROT_NONE);
  // One fault for 2 MiB and not for 4 KiB, where the kernel can; but what is printed for nearly all requests
  // is small, and needs no such page.
  if (range->file < 0 && mapped > kInSmallPages)
    ::madvise(range->base + kInSmallPages, mapped - kInSmallPages, MADV_HUGEPAGE);
  return range;
}

/// A spare one, or a new one. While a long reply in memory cannot go elsewhere, the next one is a file.
std::unique_ptr<PrintBuffer::Range> PrintBuffer::take_range() noexcept {
  if (long_loan_ != nullptr && long_loan_->borrower != nullptr)
    long_loan_->borrower->give_back();  // which ends in take_back()
  if (long_loan_ != nullptr) return make_range(Kind::kFiles);
  if (spare_.empty()) return make_range(kind_);
  std::unique_ptr<Range> range = std::move(spare_.back());
  spare_.pop_back();
  return range;
}

char* PrintBuffer::data() noexcept {
  if (current_ == nullptr) current_ = take_range();
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

/// How much of the memory that is kept ready is not taken.
std::size_t PrintBuffer::budget() const noexcept {
  std::size_t taken = current_ == nullptr ? 0 : current_->used;
  for (const std::unique_ptr<Range>& range : spare_)
    taken += range->used;
  return keep_ready_ - std::min(taken, keep_ready_);
}

std::variant<LentBytes, FileBody> PrintBuffer::lend(const char* begin, std::size_t size) {
  current_->used = std::max(current_->used, static_cast<std::size_t>(begin - current_->data()) + size);
  if (size <= keep_ready_ || current_->file < 0) {
    if (size > keep_ready_) long_loan_ = current_.get();
    LentBytes::Borrower** const borrower = &current_->borrower;
    return LentBytes(begin, size, &PrintBuffer::take_back, current_.release(), borrower);
  }
  const std::unique_ptr<Range> range = std::move(current_);
  const auto offset = static_cast<std::uint64_t>(begin - range->base);
  range->unmap();
  // A process that the file is handed on to can rely on it then.
  static_cast<void>(
      ::fcntl(range->file, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE));
  return FileBody(std::exchange(range->file, -1), offset, size);
}

void PrintBuffer::take_back(void* context) noexcept {
  std::unique_ptr<Range> range(static_cast<Range*>(context));
  PrintBuffer& owner = *range->owner;
  if (owner.long_loan_ == range.get()) owner.long_loan_ = nullptr;
  if (owner.spare_.size() >= kSpareRanges) return;
  // What a handler printed beside its page nobody knows, so now and then all is given back that may be.
  const std::size_t budget = owner.budget();
  const bool look = ++owner.since_trim_ >= kRepliesBetweenTrims;
  if (look) owner.since_trim_ = 0;
  if (look || range->used > budget) range->trim(std::min(range->used, budget));
  // The next reply gets the last one: pages that are there cost nothing.
  const auto place = range->used == 0 ? owner.spare_.begin() : owner.spare_.end();
  owner.spare_.insert(place, std::move(range));
}

}  // namespace httpd::capi
