// The page with its gaps, which are filled with what there is to tell when somebody asks for it.
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "handlers/console/snapshot.h"

namespace httpd::console {

/// HTML with gaps, all of which are filled with text that is only text:
///   {{number NAME}}  one of Numbers
///   {{table NAME}}   the rows of one of kTableKinds: <tr><td>...</td>...</tr>, with data-state="STATE" where
///                    a cell has one; without rows one that says "none", <tr class="none">
///   {{mi}}           the URL of the Management Interface relative to the page; "" where there is none
///   {{build}}        what tells one version of the page and its assets from others
class PageTemplate {
 public:
  /// `text` must outlive it. `numbers` holds every name that {{number}} may have. Throws ConfigError, with
  /// the line, for a gap that cannot be filled.
  PageTemplate(std::string_view text, const Numbers& numbers);

  /// The page. Throws std::bad_alloc.
  [[nodiscard]] std::string fill(const Snapshot& snapshot, std::string_view mi, std::string_view build) const;

 private:
  struct Piece {
    enum class Kind : unsigned char { kText, kNumber, kTable, kMi, kBuild };
    Kind kind;
    std::string_view text{};  ///< or the number's name
    std::size_t table = 0;
  };

  static Piece make_piece(std::string_view gap, const Numbers& numbers);

  std::vector<Piece> pieces_;
};

}  // namespace httpd::console
