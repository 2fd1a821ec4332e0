// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/compression/compression_settings.h"

#include <algorithm>
#include <fmt/format.h>
#include <string_view>

#include <httpd/parameter.h>

#include "http/escape.h"
#include "server/access/list.h"
#include "server/router.h"

namespace httpd::server {
namespace {

constexpr long long kMaxMinSize = 1LL << 30U;
constexpr long long kMaxStreams = 10'000;

void add_roots(CompressionSettings& settings, std::string_view list) {
  for_each_part(list, ',', [&settings](std::string_view root) {
    if (root == "*") {
      settings.every_root = true;
      return;
    }
    while (root.starts_with('/'))
      root.remove_prefix(1);
    while (root.ends_with('/'))
      root.remove_suffix(1);
    if (root.empty()) throw ConfigError("has an empty name in its list of roots");
    settings.roots.emplace_back(root);
  });
}

}  // namespace

std::vector<Parameter> compression_parameters(CompressionSettings& settings) {
  return {
      string_parameter("compress", [&settings](const std::string& list) { add_roots(settings, list); }),
      integer_parameter(
          "compress_min_size", 0, kMaxMinSize,
          [&settings](long long value) { settings.min_size = static_cast<std::size_t>(value); }),
      integer_parameter("compress_level", 1, CompressionSettings::kMaxLevel,
                        [&settings](long long value) { settings.level = static_cast<int>(value); }),
      integer_parameter(
          "max_compressed_streams", 0, kMaxStreams,
          [&settings](long long value) { settings.max_streams = static_cast<std::size_t>(value); }),
  };
}

void check_compression(const CompressionSettings& settings, const Router& router) {
  for (const std::string& root : settings.roots) {
    if (std::ranges::find(router.routes(), root, &Route::root) != router.routes().end()) continue;
    std::string roots;
    for (const Route& route : router.routes())
      roots += (roots.empty() ? "" : ", ") + route.root;
    throw ConfigError(fmt::format("compress: there is no root path \"{}\"; the roots are: {}",
                                  http::escape_for_log(root), roots.empty() ? "none" : roots));
  }
}

}  // namespace httpd::server
