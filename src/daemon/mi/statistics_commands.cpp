// The MI commands about statistics.
// SPDX-License-Identifier: GPL-2.0-or-later
#include <algorithm>
#include <cstddef>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/mi/commands.h"
#include "daemon/mi/params.h"

namespace httpd::daemon {
namespace {

using Statistics = std::vector<Statistic>;

std::string full_name(const Statistic& statistic) {
  return statistic.group + ":" + statistic.name;
}

/// `wanted` is "name" or "group:name".
bool has_name(const Statistic& statistic, std::string_view wanted) {
  if (statistic.name == wanted) return true;
  const std::size_t size = statistic.group.size();
  return wanted.size() > size && wanted[size] == ':' && wanted.substr(0, size) == statistic.group &&
         wanted.substr(size + 1) == statistic.name;
}

/// What a client asked for: statistics by their index, each once, in the order of asking.
class Selection {
 public:
  explicit Selection(const Statistics& statistics) : statistics_(statistics), taken_(statistics.size()) {}

  /// True when the statistic was there, be it already selected.
  bool add_all() {
    for (std::size_t i = 0; i < statistics_.size(); ++i)
      add(i);
    return true;
  }
  bool add_group(std::string_view group) {
    bool found = false;
    for (std::size_t i = 0; i < statistics_.size(); ++i) {
      if (statistics_[i].group != group) continue;
      add(i);
      found = true;
    }
    return found;
  }
  /// The first one of this name, where groups share one.
  bool add_one(std::string_view name) {
    const auto found = std::find_if(statistics_.begin(), statistics_.end(),
                                    [name](const Statistic& statistic) { return has_name(statistic, name); });
    if (found == statistics_.end()) return false;
    add(static_cast<std::size_t>(found - statistics_.begin()));
    return true;
  }
  [[nodiscard]] const std::vector<std::size_t>& indexes() const noexcept { return order_; }

 private:
  void add(std::size_t index) {
    if (taken_[index]) return;
    taken_[index] = true;
    order_.push_back(index);
  }
  const Statistics& statistics_;
  std::vector<bool> taken_;
  std::vector<std::size_t> order_;
};

bool is_group(std::string_view item) {
  return item.size() > 1 && item.back() == ':';
}

std::string_view group_of(std::string_view item) {
  return item.substr(0, item.size() - 1);
}

MiError not_found() {
  return {404, "Statistics Not Found"};
}

MiResult get_statistics(const DaemonState& state, const MiParams& params) {
  const Statistics statistics = state.statistics();
  Selection selection(statistics);
  bool found = false;
  for (const std::string& item : string_array_param(params, "statistics")) {
    const bool hit = item == "all"    ? selection.add_all()
                     : is_group(item) ? selection.add_group(group_of(item))
                                      : selection.add_one(item);
    found = found || hit;
  }
  if (!found) throw not_found();
  MiResult result = MiResult::object();
  for (const std::size_t index : selection.indexes()) {
    result[full_name(statistics[index])] = statistics[index].value;
  }
  return result;
}

const char* type_name(const Statistic& statistic) {
  return statistic.incremental ? "incremental" : "non-incremental";
}

MiResult list_all_statistics(const DaemonState& state) {
  MiResult result = MiResult::object();
  for (const Statistic& statistic : state.statistics())
    result[full_name(statistic)] = type_name(statistic);
  return result;
}

/// Statistics asked for by name are listed without their group, as in OpenSIPS.
MiResult list_statistics(const DaemonState& state, const MiParams& params) {
  const Statistics statistics = state.statistics();
  Selection groups(statistics);
  Selection singles(statistics);
  bool found = false;
  for (const std::string& item : string_array_param(params, "statistics")) {
    const bool hit = is_group(item) ? groups.add_group(group_of(item)) : singles.add_one(item);
    found = found || hit;
  }
  if (!found) throw not_found();
  MiResult result = MiResult::object();
  for (const std::size_t index : groups.indexes()) {
    result[full_name(statistics[index])] = type_name(statistics[index]);
  }
  for (const std::size_t index : singles.indexes()) {
    result[statistics[index].name] = type_name(statistics[index]);
  }
  return result;
}

/// Single statistics alone, as in OpenSIPS.
MiResult reset_statistics(DaemonState& state, const MiParams& params) {
  const Statistics statistics = state.statistics();
  Selection selection(statistics);
  bool found = false;
  for (const std::string& item : string_array_param(params, "statistics"))
    found = selection.add_one(item) || found;
  if (!found) throw not_found();
  for (const std::size_t index : selection.indexes())
    state.reset_statistic(index);
  return "OK";
}

MiResult reset_all_statistics(DaemonState& state) {
  const std::size_t count = state.statistics().size();
  for (std::size_t index = 0; index < count; ++index)
    state.reset_statistic(index);
  return "OK";
}

}  // namespace

void add_statistics_commands(Mi& mi, DaemonState& state) {
  mi.add({"get_statistics",
          {"statistics:get"},
          "statistics",
          "prints the values of statistics: all, a group, or single ones",
          {{{"statistics"}, [&state](const MiParams& params) { return get_statistics(state, params); }}}});
  mi.add({"list_statistics",
          {"statistics:list"},
          "statistics",
          "lists statistics and their types",
          {{{}, [&state](const MiParams&) { return list_all_statistics(state); }},
           {{"statistics"}, [&state](const MiParams& params) { return list_statistics(state, params); }}}});
  mi.add({"reset_statistics",
          {"statistics:reset"},
          "statistics",
          "has statistics that only grow begin at 0 again",
          {{{"statistics"}, [&state](const MiParams& params) { return reset_statistics(state, params); }}}});
  mi.add({"reset_all_statistics",
          {"statistics:reset_all"},
          "statistics",
          "has all statistics that only grow begin at 0 again",
          {{{}, [&state](const MiParams&) { return reset_all_statistics(state); }}}});
}

}  // namespace httpd::daemon
