// Metrics as text, in the two formats that monitoring systems scrape.
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <httpd/metrics.h>

namespace httpd::prometheus {

enum class Format : std::uint8_t {
  kText,        ///< Prometheus's text format, version 0.0.4
  kOpenMetrics  ///< OpenMetrics 1.0
};

/// The media type, as Content-Type says it.
[[nodiscard]] std::string_view media_type(Format format) noexcept;

/// All families that have a series. Throws std::bad_alloc.
[[nodiscard]] std::string expose(const std::vector<MetricFamily>& families, Format format);

}  // namespace httpd::prometheus
