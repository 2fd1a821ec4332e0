// Tells whether a file is a shared object that loadmodule can load.
// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/config/object_check.h"

#include <array>
#include <bit>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <string_view>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>
#include <vector>

namespace httpd::daemon {
namespace {

// Far above the symbol tables of real modules; below it a damaged file cannot make us take much memory.
constexpr std::uint64_t kMaxTable = 16UL * 1024UL * 1024UL;

/// A regular file, read in pieces.
class ObjectFile {
 public:
  explicit ObjectFile(const std::string& path)
      : descriptor_(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)) {
    struct stat status {};
    if (descriptor_ < 0 || fstat(descriptor_, &status) != 0) {
      error_ = std::generic_category().message(errno);
    } else if (!S_ISREG(status.st_mode)) {
      error_ = "not a regular file";
    }
  }
  ObjectFile(const ObjectFile&) = delete;
  ObjectFile& operator=(const ObjectFile&) = delete;
  ~ObjectFile() {
    if (descriptor_ >= 0) close(descriptor_);
  }

  /// Why it could not be opened; "" when it was.
  [[nodiscard]] const std::string& error() const noexcept { return error_; }

  /// `count` objects that stand at `offset`; none when the file is shorter or they are more than kMaxTable
  /// bytes.
  template <typename T>
  [[nodiscard]] std::vector<T> read(std::uint64_t offset, std::uint64_t count) const {
    if (count > kMaxTable / sizeof(T) || offset > static_cast<std::uint64_t>(INT64_MAX)) return {};
    std::vector<T> out(static_cast<std::size_t>(count));
    auto* bytes = reinterpret_cast<char*>(out.data());
    const std::size_t size = out.size() * sizeof(T);
    for (std::size_t done = 0; done < size;) {
      const ssize_t got = pread(descriptor_, bytes + done, size - done, static_cast<off_t>(offset + done));
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) return {};
      done += static_cast<std::size_t>(got);
    }
    return out;
  }

 private:
  int descriptor_;
  std::string error_;
};

bool is_shared_object(const ElfW(Ehdr) & header) {
  constexpr unsigned char kClass = sizeof(void*) == 8 ? ELFCLASS64 : ELFCLASS32;
  constexpr unsigned char kData = std::endian::native == std::endian::little ? ELFDATA2LSB : ELFDATA2MSB;
  return std::memcmp(header.e_ident, ELFMAG, SELFMAG) == 0 && header.e_ident[EI_CLASS] == kClass &&
         header.e_ident[EI_DATA] == kData && header.e_type == ET_DYN;
}

bool is_module_symbol(std::string_view names, std::size_t offset) {
  using namespace std::string_view_literals;
  constexpr std::array kSymbols = {"httpd_module\0"sv, "httpd_module_create\0"sv};
  if (offset >= names.size()) return false;
  for (const std::string_view symbol : kSymbols) {
    if (names.substr(offset, symbol.size()) == symbol) return true;
  }
  return false;
}

bool exports_module(const ObjectFile& file, const ElfW(Ehdr) & header) {
  if (header.e_shentsize != sizeof(ElfW(Shdr))) return false;
  const auto sections = file.read<ElfW(Shdr)>(header.e_shoff, header.e_shnum);
  for (const auto& section : sections) {
    if (section.sh_type != SHT_DYNSYM || section.sh_link >= sections.size()) continue;
    const auto& strings = sections[section.sh_link];
    const auto names = file.read<char>(strings.sh_offset, strings.sh_size);
    const auto symbols = file.read<ElfW(Sym)>(section.sh_offset, section.sh_size / sizeof(ElfW(Sym)));
    for (const auto& symbol : symbols) {
      if (symbol.st_shndx == SHN_UNDEF) continue;
      if (is_module_symbol({names.data(), names.size()}, symbol.st_name)) return true;
    }
  }
  return false;
}

}  // namespace

std::optional<std::string> why_not_a_module(const std::string& path) {
  const ObjectFile file(path);
  if (!file.error().empty()) return file.error();
  const auto header = file.read<ElfW(Ehdr)>(0, 1);
  if (header.empty() || !is_shared_object(header.front())) return "not a shared object of this machine";
  if (exports_module(file, header.front())) return std::nullopt;
  return "not a module of opensips-httpd (an OpenSIPS module cannot be loaded here)";
}

}  // namespace httpd::daemon
