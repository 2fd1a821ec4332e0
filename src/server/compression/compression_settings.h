// The parameters that say what is compressed. SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include <httpd/module.h>

namespace httpd::server {

class Router;

/// As the lines of the configuration give them.
struct CompressionSettings {
  std::vector<std::string> roots;  ///< that are compressed besides those whose handlers consent
  bool every_root = false;         ///< a line says "*"
  std::size_t min_size = 1024;     ///< bytes that a reply has at least; 0: nothing is compressed
  int level = 4;                   ///< 1 to kMaxLevel
  std::size_t max_streams = 64;    ///< long replies that are being compressed at a time
  static constexpr int kMaxLevel = 6;
};

/// What modparam() may set of them.
[[nodiscard]] std::vector<Parameter> compression_parameters(CompressionSettings& settings);

/// Once all roots are registered: throws ConfigError for a root that there is not.
void check_compression(const CompressionSettings& settings, const Router& router);

}  // namespace httpd::server
