// SPDX-License-Identifier: GPL-2.0-or-later
#include "handlers/prometheus/exposition.h"

#include <array>
#include <charconv>
#include <cstddef>
#include <utility>

namespace httpd::prometheus {
namespace {

using Type = MetricFamily::Type;
using Labels = std::vector<std::pair<std::string, std::string>>;

/// Longer than any double in digits.
constexpr std::size_t kNumberSize = 400;

void append_number(double value, std::string& out) {
  std::array<char, kNumberSize> digits{};
  const auto end =
      std::to_chars(digits.data(), digits.data() + digits.size(), value, std::chars_format::fixed);
  out.append(digits.data(), end.ptr);
}

/// With a fraction always: a label is compared as text, and both formats are to give the same series.
std::string bound_text(double bound) {
  std::string text;
  append_number(bound, text);
  if (text.find('.') == std::string::npos) text += ".0";
  return text;
}

void append_escaped(std::string_view text, bool quotes, std::string& out) {
  for (const char byte : text) {
    if (byte == '\n') {
      out += "\\n";
      continue;
    }
    if (byte == '\\' || (quotes && byte == '"')) out += '\\';
    out += byte;
  }
}

class Writer {
 public:
  Writer(Format format, std::string& out) noexcept : format_(format), out_(out) {}

  void write(const MetricFamily& family) {
    write_head(family);
    for (const Metric& metric : family.metrics) {
      if (family.type == Type::kHistogram) {
        write_histogram(family, metric);
      } else {
        begin_sample(family.name, ending_of(family.type), metric.labels);
        append_number(metric.value, out_);
        out_ += '\n';
      }
    }
  }

 private:
  static std::string_view ending_of(Type type) noexcept {
    return type == Type::kCounter ? "_total" : type == Type::kInfo ? "_info" : "";
  }

  [[nodiscard]] std::string_view name_of(Type type) const noexcept {
    switch (type) {
      case Type::kCounter:
        return "counter";
      case Type::kHistogram:
        return "histogram";
      case Type::kInfo:
        return format_ == Format::kText ? "gauge" : "info";
      case Type::kGauge:
        break;
    }
    return "gauge";
  }

  void comment(std::string_view what, const MetricFamily& family, std::string_view text) {
    out_ += "# ";
    out_ += what;
    out_ += ' ';
    out_ += family.name;
    // The older format knows samples, not families.
    if (format_ == Format::kText) out_ += ending_of(family.type);
    out_ += ' ';
    append_escaped(text, format_ == Format::kOpenMetrics, out_);
    out_ += '\n';
  }

  void write_head(const MetricFamily& family) {
    comment("HELP", family, family.help);
    comment("TYPE", family, name_of(family.type));
    if (format_ == Format::kOpenMetrics && !family.unit.empty()) comment("UNIT", family, family.unit);
  }

  void append_label(std::string_view name, std::string_view value, bool first) {
    out_ += first ? '{' : ',';
    out_ += name;
    out_ += "=\"";
    append_escaped(value, true, out_);
    out_ += '"';
  }

  void begin_sample(std::string_view name, std::string_view ending, const Labels& labels,
                    std::string_view bound = {}) {
    out_ += name;
    out_ += ending;
    bool first = true;
    for (const auto& [label, value] : labels)
      append_label(label, value, std::exchange(first, false));
    if (!bound.empty()) append_label("le", bound, std::exchange(first, false));
    if (!first) out_ += '}';
    out_ += ' ';
  }

  void write_histogram(const MetricFamily& family, const Metric& metric) {
    for (std::size_t i = 0; i < metric.cumulative.size(); ++i) {
      begin_sample(family.name, "_bucket", metric.labels,
                   i < family.bounds.size() ? bound_text(family.bounds[i]) : "+Inf");
      out_ += std::to_string(metric.cumulative[i]);
      out_ += '\n';
    }
    begin_sample(family.name, "_sum", metric.labels);
    append_number(metric.value, out_);
    out_ += '\n';
    begin_sample(family.name, "_count", metric.labels);
    out_ += std::to_string(metric.cumulative.empty() ? 0 : metric.cumulative.back());
    out_ += '\n';
  }

  Format format_;
  std::string& out_;
};

}  // namespace

std::string_view media_type(Format format) noexcept {
  return format == Format::kText ? "text/plain; version=0.0.4; charset=utf-8"
                                 : "application/openmetrics-text; version=1.0.0; charset=utf-8";
}

std::string expose(const std::vector<MetricFamily>& families, Format format) {
  std::string out;
  Writer writer(format, out);
  for (const MetricFamily& family : families)
    if (!family.metrics.empty()) writer.write(family);
  if (format == Format::kOpenMetrics) out += "# EOF\n";
  return out;
}

}  // namespace httpd::prometheus
