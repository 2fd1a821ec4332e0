// SPDX-License-Identifier: GPL-2.0-or-later
#include "handlers/console/page_template.h"

#include <algorithm>

#include <httpd/module.h>

#include "handlers/console/text.h"

namespace httpd::console {
namespace {

constexpr std::string_view kBegin = "{{";
constexpr std::string_view kEnd = "}}";

void append_table(const Table& table, std::size_t columns, std::string& out) {
  if (table.empty())
    out += R"(<tr class="none"><td colspan=")" + std::to_string(columns) + R"(">none</td></tr>)";
  for (const Row& row : table) {
    out += "<tr>";
    for (const Cell& cell : row) {
      out += "<td";
      if (cell.state != Cell::State::kNone)
        out.append(R"( data-state=")").append(state_name(cell.state)).append("\"");
      out += '>';
      append_html(cell.text, out);
      out += "</td>";
    }
    out += "</tr>\n";
  }
}

}  // namespace

PageTemplate::PageTemplate(std::string_view text, const Numbers& numbers) {
  for (std::string_view rest = text;;) {
    const std::size_t begin = rest.find(kBegin);
    pieces_.push_back({Piece::Kind::kText, rest.substr(0, begin)});
    if (begin == std::string_view::npos) return;
    rest.remove_prefix(begin);
    const std::size_t end = rest.find(kEnd);
    const std::string_view gap = rest.substr(kBegin.size(), end - kBegin.size());
    try {
      if (end == std::string_view::npos) throw ConfigError("{{ without }}");
      pieces_.push_back(make_piece(gap, numbers));
    } catch (const ConfigError& error) {
      const std::string_view before(text.data(), rest.data());
      throw ConfigError("index.html, line " + std::to_string(std::ranges::count(before, '\n') + 1) + ": " +
                        error.what());
    }
    rest.remove_prefix(end + kEnd.size());
  }
}

PageTemplate::Piece PageTemplate::make_piece(std::string_view gap, const Numbers& numbers) {
  const std::size_t blank = gap.find(' ');
  const std::string_view kind = gap.substr(0, blank);
  const std::string_view name = blank == std::string_view::npos ? "" : gap.substr(blank + 1);
  if (kind == "number") {
    if (!numbers.contains(name)) throw ConfigError("there is no number \"" + std::string(name) + "\"");
    return {Piece::Kind::kNumber, name};
  }
  if (kind == "table") {
    const auto* const found = std::ranges::find(kTableKinds, name, &TableKind::name);
    if (found == kTableKinds.end()) throw ConfigError("there is no table \"" + std::string(name) + "\"");
    return {Piece::Kind::kTable, name, static_cast<std::size_t>(found - kTableKinds.begin())};
  }
  if (gap == "mi") return {Piece::Kind::kMi};
  if (gap == "build") return {Piece::Kind::kBuild};
  throw ConfigError("nothing can be put in place of {{" + std::string(gap) + "}}");
}

std::string PageTemplate::fill(const Snapshot& snapshot, std::string_view mi, std::string_view build) const {
  std::string out;
  for (const Piece& piece : pieces_) {
    switch (piece.kind) {
      case Piece::Kind::kText:
        out += piece.text;
        break;
      case Piece::Kind::kNumber:
        if (const auto found = snapshot.numbers.find(piece.text); found != snapshot.numbers.end())
          append_html(found->second, out);
        break;
      case Piece::Kind::kTable:
        append_table(snapshot.tables[piece.table], kTableKinds[piece.table].columns, out);
        break;
      case Piece::Kind::kMi:
        append_html(mi, out);
        break;
      case Piece::Kind::kBuild:
        append_html(build, out);
        break;
    }
  }
  return out;
}

}  // namespace httpd::console
