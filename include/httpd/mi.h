// The Management Interface: commands, and the way to run them from any transport.
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace httpd {

/// An error that a command answers: becomes {"code": …, "message": …, "data": …} of JSON-RPC 2.0.
class MiError : public std::runtime_error {
 public:
  MiError(int code, const std::string& message, std::string data = {})
      : std::runtime_error(message), code_(code), data_(std::move(data)) {}
  [[nodiscard]] int code() const noexcept { return code_; }
  [[nodiscard]] const std::string& data() const noexcept { return data_; }

 private:
  int code_;
  std::string data_;
};

/// The parameters of one call, already matched to one of the command's recipes: an object whose members are
/// the recipe's names, whether the client gave them by name or by position.
using MiParams = nlohmann::ordered_json;
using MiResult = nlohmann::ordered_json;

/// One way to call a command: the names of its parameters, and what runs then. May throw MiError; any other
/// exception is answered with -32603.
struct MiRecipe {
  std::vector<std::string> params;
  std::function<MiResult(const MiParams& params)> run;
};

/// A command as OpenSIPS's mi_export_t describes one.
struct MiCommand {
  std::string name;                  ///< the name that `which` lists, e.g. "httpd_list_root_path"
  std::vector<std::string> aliases;  ///< other names that it answers to, e.g. "httpd:list_root_path"
  std::string module;                ///< who exports it; `help` says so
  std::string help;                  ///< one line
  std::vector<MiRecipe> recipes;
};

/// The command table of the host, and its JSON-RPC 2.0 front.
class Mi {
 public:
  virtual ~Mi() = default;
  /// Adds a command. Throws std::invalid_argument when the name or an alias is taken, naming both modules.
  virtual void add(MiCommand command) = 0;
  /// Runs one JSON-RPC 2.0 request, or a batch of them, and returns the reply's text; nothing for a
  /// notification. Errors of any kind are replies (-32700, -32600 … -32603), never exceptions. `pretty`
  /// breaks lines and indents.
  [[nodiscard]] virtual std::optional<std::string> handle(std::string_view request, bool pretty) = 0;
};

}  // namespace httpd
