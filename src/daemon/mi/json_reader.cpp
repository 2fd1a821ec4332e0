// Builds the document of a request from the events of the JSON parser.
// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/mi/json_reader.h"

#include <cstdint>
#include <utility>
#include <vector>

namespace httpd::daemon {
namespace {

using nlohmann::ordered_json;

/// Every callback returns false to end the parsing; problem() then says why.
// NOLINTNEXTLINE(bugprone-exception-escape): a null document allocates nothing
class DocumentBuilder final : public nlohmann::json_sax<ordered_json> {
 public:
  bool null() override { return insert(nullptr) != nullptr; }
  bool boolean(bool value) override { return insert(value) != nullptr; }
  bool number_integer(number_integer_t value) override { return insert(value) != nullptr; }
  bool number_unsigned(number_unsigned_t value) override { return insert(value) != nullptr; }
  bool number_float(number_float_t value, const string_t& text) override {
    if (!at_id_) return insert(value) != nullptr;
    return insert(ordered_json::binary(std::vector<std::uint8_t>(text.begin(), text.end()))) != nullptr;
  }
  bool string(string_t& value) override { return insert(std::move(value)) != nullptr; }
  bool binary(binary_t& /*value*/) override { return stop(JsonProblem::kSyntax); }
  bool start_object(std::size_t /*size*/) override { return open(ordered_json::object()); }
  bool start_array(std::size_t /*size*/) override { return open(ordered_json::array()); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }
  bool key(string_t& name) override {
    ordered_json& object = *open_.back();
    member_ = &object[name];
    if (object.size() > kMaxJsonMembers) return stop(JsonProblem::kTooLarge);
    at_id_ = open_.size() == (root_.is_array() ? 2 : 1) && name == "id";
    return true;
  }
  bool parse_error(std::size_t /*position*/, const std::string& /*last_token*/,
                   const nlohmann::detail::exception& /*error*/) override {
    return stop(JsonProblem::kSyntax);
  }

  [[nodiscard]] JsonProblem problem() const noexcept { return problem_; }
  [[nodiscard]] ordered_json take() noexcept { return std::move(root_); }

 private:
  bool stop(JsonProblem problem) noexcept {
    problem_ = problem;
    return false;
  }
  ordered_json* insert(ordered_json value) {
    at_id_ = false;
    if (open_.empty()) {
      root_ = std::move(value);
      return &root_;
    }
    ordered_json& container = *open_.back();
    if (container.is_object()) {
      *member_ = std::move(value);
      return member_;
    }
    if (open_.size() == 1 && container.size() == kMaxBatchSize) {
      stop(JsonProblem::kTooLarge);
      return nullptr;
    }
    container.push_back(std::move(value));
    return &container.back();
  }
  bool open(ordered_json container) {
    if (open_.size() == kMaxJsonDepth) return stop(JsonProblem::kSyntax);
    ordered_json* const place = insert(std::move(container));
    if (place == nullptr) return false;
    open_.push_back(place);
    return true;
  }
  bool close() noexcept {
    open_.pop_back();
    return true;
  }

  ordered_json root_;
  std::vector<ordered_json*> open_;  // the containers around the current place, outermost first
  ordered_json* member_ = nullptr;   // the member of the innermost object that waits for its value
  bool at_id_ = false;               // the value to come is the id of a request
  JsonProblem problem_ = JsonProblem::kNone;
};

}  // namespace

JsonDocument read_json(std::string_view text) {
  JsonDocument document;
  // The parser takes a NUL for the end of its input, and would ignore what follows.
  if (text.find('\0') != std::string_view::npos) {
    document.problem = JsonProblem::kSyntax;
    return document;
  }
  DocumentBuilder builder;
  if (ordered_json::sax_parse(text.begin(), text.end(), &builder)) {
    document.value = builder.take();
  } else {
    document.problem = builder.problem();
  }
  return document;
}

}  // namespace httpd::daemon
