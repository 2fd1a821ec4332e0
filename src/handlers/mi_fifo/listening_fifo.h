// The FIFO that clients write their requests to: making it, watching that it stays ours, removing it.
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>

#include "handlers/mi_fifo/descriptor.h"
#include "handlers/mi_fifo/fifo_settings.h"

namespace httpd::mi_fifo {

class ListeningFifo {
 public:
  /// Makes nothing yet; `settings` must outlive this.
  explicit ListeningFifo(const FifoSettings& settings) noexcept : settings_(settings) {}
  /// Removes the FIFO, unless something else stands in its place by now.
  ~ListeningFifo();
  ListeningFifo(const ListeningFifo&) = delete;
  ListeningFifo& operator=(const ListeningFifo&) = delete;

  /// Makes the FIFO with its mode, whatever the umask is, in place of one that stands there and that nobody
  /// else reads. Returns the one that was open before, if any, in which requests may wait. Throws
  /// std::system_error naming the file, also when something there is not a FIFO or another process reads it;
  /// what was open before stays open then.
  Descriptor create();
  /// Makes the FIFO, and lets it take the place of one that another process reads: at no time is there none.
  /// Throws std::system_error likewise.
  void take_over();
  /// False when the file was removed or replaced.
  [[nodiscard]] bool in_place() const noexcept;
  /// Open for reading, not blocking; never at its end, since it is open for writing as well.
  [[nodiscard]] int descriptor() const noexcept { return fifo_.get(); }

 private:
  void make_room() const;
  [[nodiscard]] Descriptor make(const std::string& path) const;
  [[nodiscard]] Descriptor open_new(const std::string& path) const;

  const FifoSettings& settings_;
  Descriptor fifo_;
};

}  // namespace httpd::mi_fifo
