// From the text of a request to the text of its reply: validation, choice of the recipe, call, errors.
// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/mi/jsonrpc.h"

#include <algorithm>
#include <cstddef>
#include <exception>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include <httpd/mi.h>

#include "daemon/mi/json_reader.h"
#include "daemon/mi/memory_reserve.h"
#include "daemon/mi/registry.h"

namespace httpd::daemon {
namespace {

using nlohmann::ordered_json;

constexpr int kIndent = 4;

/// Text that is no UTF-8 is repaired, never thrown at.
std::string dump(const ordered_json& value, bool pretty) {
  return value.dump(pretty ? kIndent : -1, ' ', false, ordered_json::error_handler_t::replace);
}

std::string id_text(const ordered_json& id) {
  if (!id.is_binary()) return dump(id, false);
  const auto& bytes = id.get_binary();
  return {bytes.begin(), bytes.end()};
}

/// The reply with the one member `name` beside version and id. The id is put in as text, since numbers that
/// no JSON library holds exactly must come back as they were.
std::string make_reply(const char* name, ordered_json value, const ordered_json& id, bool pretty) {
  ordered_json reply = ordered_json::object();
  reply["jsonrpc"] = "2.0";
  reply[name] = std::move(value);
  std::string text = dump(reply, pretty);
  text.resize(text.size() - (pretty ? 2 : 1));
  text += pretty ? ",\n    \"id\": " : ",\"id\":";
  text += id_text(id);
  text += pretty ? "\n}" : "}";
  return text;
}

std::string make_error(const MiError& error, const ordered_json& id, bool pretty) {
  ordered_json value = ordered_json::object();
  value["code"] = error.code();
  value["message"] = error.what();
  if (!error.data().empty()) value["data"] = error.data();
  return make_reply("error", std::move(value), id, pretty);
}

MiError invalid_request(std::string data = {}) {
  return {kJsonRpcInvalidRequest, "Invalid Request", std::move(data)};
}

MiError invalid_params(std::string data) {
  return {kJsonRpcInvalidParams, "Invalid params", std::move(data)};
}

bool has_names(const MiRecipe& recipe, const ordered_json& params) {
  return std::all_of(recipe.params.begin(), recipe.params.end(),
                     [&params](const std::string& name) { return params.contains(name); });
}

/// The recipe for `params` (an array or an object; empty: none given): by number for an array, by the exact
/// set of names for an object. Throws MiError with OpenSIPS's details.
const MiRecipe& choose_recipe(const MiCommand& command, const ordered_json& params) {
  const MiRecipe* match = nullptr;
  bool number_fits = false;
  for (const MiRecipe& recipe : command.recipes) {
    if (recipe.params.size() != params.size()) continue;
    number_fits = true;
    if (params.is_object() && !has_names(recipe, params)) continue;
    if (match == nullptr) {
      match = &recipe;
    } else if (params.is_array() && !params.empty()) {
      throw invalid_params("Ambiguous call, use named parameters instead");
    }
  }
  if (match != nullptr) return *match;
  throw invalid_params(number_fits ? "Named parameters do not match" : "Too few or too many parameters");
}

MiParams bind_params(const MiRecipe& recipe, ordered_json& given) {
  MiParams params = MiParams::object();
  for (std::size_t i = 0; i < recipe.params.size(); ++i) {
    const std::string& name = recipe.params[i];
    params[name] = std::move(given.is_array() ? given[i] : given[name]);
  }
  return params;
}

/// Throws MiError, and nothing else but std::bad_alloc.
MiResult call(const MiCommand& command, ordered_json& given, Log& log) {
  const MiRecipe& recipe = choose_recipe(command, given);
  const MiParams params = bind_params(recipe, given);
  std::string cause = "unknown exception";
  try {
    return recipe.run(params);
  } catch (const MiError&) {
    throw;
  } catch (const std::exception& error) {
    cause = error.what();
  } catch (...) {  // NOLINT(bugprone-empty-catch): `cause` says so already
  }
  // As JSON text the cause cannot break the line, whatever the client sent.
  log.write(LogLevel::kError, fmt::format("MI command {} failed: {}", command.name, dump(cause, false)));
  throw MiError(kJsonRpcInternalError, "Internal error");
}

/// One request object; its parts stay in the document.
struct Request {
  const MiCommand* command = nullptr;
  ordered_json params = ordered_json::array();
};

bool valid_id(const ordered_json& id) {
  return id.is_string() || id.is_number() || id.is_null() || id.is_binary();
}

bool is_text(const ordered_json& value, std::string_view text) {
  // Not by the comparison of nlohmann-json, which makes a value of `text` first and may not throw.
  return value.is_string() && value.get_ref<const std::string&>() == text;
}

/// Section 4. Throws MiError for a request that is not valid or names no command.
Request read_request(ordered_json& object, const MiRegistry& registry) {
  const auto version = object.find("jsonrpc");
  if (version == object.end() || !is_text(*version, "2.0")) throw invalid_request();
  const auto method = object.find("method");
  if (method == object.end() || !method->is_string()) throw invalid_request();
  Request request;
  const auto params = object.find("params");
  if (params != object.end()) {
    if (!params->is_structured()) throw invalid_request();
    if (!params->empty()) request.params = std::move(*params);
  }
  request.command = registry.find(method->get_ref<const std::string&>());
  if (request.command == nullptr) throw MiError(kJsonRpcMethodNotFound, "Method not found");
  return request;
}

std::optional<std::string> run_one(ordered_json& object, bool pretty, const MiRegistry& registry, Log& log) {
  if (!object.is_object()) return make_error(invalid_request(), nullptr, pretty);
  const auto id = object.find("id");
  const bool notification = id == object.end();
  if (!notification && !valid_id(*id)) return make_error(invalid_request(), nullptr, pretty);
  try {
    Request request = read_request(object, registry);
    MiResult result = call(*request.command, request.params, log);
    if (notification) return std::nullopt;
    return make_reply("result", std::move(result), *id, pretty);
  } catch (const MiError& error) {
    if (!notification) return make_error(error, *id, pretty);
    // Section 4.1 lets a notification fail unheard; what is no request at all is no notification either.
    if (error.code() != kJsonRpcInvalidRequest) return std::nullopt;
    return make_error(error, nullptr, pretty);
  }
}

void append_indented(std::string& text, std::string_view reply) {
  text.append(kIndent, ' ');
  for (const char byte : reply) {
    text += byte;
    if (byte == '\n') text.append(kIndent, ' ');
  }
}

std::optional<std::string> run_batch(ordered_json& batch, bool pretty, const MiRegistry& registry, Log& log) {
  if (batch.empty()) return make_error(invalid_request(), nullptr, pretty);
  std::string text;
  for (ordered_json& object : batch) {
    const std::optional<std::string> reply = run_one(object, pretty, registry, log);
    if (!reply) continue;
    text += text.empty() ? "[" : ",";
    if (pretty) {
      text += '\n';
      append_indented(text, *reply);
    } else {
      text += *reply;
    }
  }
  if (text.empty()) return std::nullopt;
  text += pretty ? "\n]" : "]";
  return text;
}

}  // namespace

std::optional<std::string> run_jsonrpc(std::string_view text, bool pretty, const MiRegistry& registry,
                                       Log& log) {
  const MemoryReserve reserve;
  JsonDocument document = read_json(text);
  switch (document.problem) {
    case JsonProblem::kSyntax:
      return make_error(MiError(kJsonRpcParseError, "Parse error"), nullptr, pretty);
    case JsonProblem::kTooLarge:
      return make_error(
          invalid_request(fmt::format("More than {} requests in a batch or {} members in an object",
                                      kMaxBatchSize, kMaxJsonMembers)),
          nullptr, pretty);
    case JsonProblem::kNone:
      break;
  }
  if (document.value.is_array()) return run_batch(document.value, pretty, registry, log);
  return run_one(document.value, pretty, registry, log);
}

}  // namespace httpd::daemon
