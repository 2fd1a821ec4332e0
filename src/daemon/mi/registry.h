// The daemon's table of MI commands.
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include <httpd/log.h>
#include <httpd/mi.h>

namespace httpd::daemon {

/// The commands by name and alias. Filled during start-up; every process forked after that has the same
/// table.
class MiRegistry final : public Mi {
 public:
  /// `log` is told of commands that fail unexpectedly; it must outlive the registry.
  explicit MiRegistry(Log& log) noexcept : log_(log) {}

  /// Throws std::invalid_argument for a name or an alias that is empty or taken, and for a command that has
  /// no recipe or one with nothing to run. The table is unchanged then.
  void add(MiCommand command) override;
  [[nodiscard]] std::optional<std::string> handle(std::string_view request, bool pretty) override;

  /// The command with this name or alias, nullptr when there is none. Valid as long as the registry is.
  [[nodiscard]] const MiCommand* find(std::string_view name) const;
  /// All commands in the order of their registration.
  [[nodiscard]] const std::deque<MiCommand>& commands() const noexcept { return commands_; }

 private:
  struct NameHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view name) const noexcept {
      return std::hash<std::string_view>{}(name);
    }
  };
  using Names = std::unordered_map<std::string, const MiCommand*, NameHash, std::equal_to<>>;

  Log& log_;
  std::deque<MiCommand> commands_;  // a deque: commands stay where they are while more are added
  Names names_;
};

}  // namespace httpd::daemon
