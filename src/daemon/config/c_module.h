// A module written in C (include/httpd/httpd_module.h), as the host sees modules.
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include <httpd/httpd_module.h>
#include <httpd/module.h>

namespace httpd::daemon {

/// Calls mod_init once and, when that succeeded, destroy at the end. Text that parameters were set to lives
/// as long as this object, in which destroy may still use it.
class CModule final : public httpd::Module {
 public:
  /// `exports` must outlive the object. Throws httpd::ConfigError when it was built for another version of
  /// the interface or lacks a part that every module has.
  explicit CModule(const httpd_module_exports& exports);
  CModule(const CModule&) = delete;
  CModule& operator=(const CModule&) = delete;
  ~CModule() override;

  [[nodiscard]] std::string_view name() const override { return exports_.name; }
  [[nodiscard]] std::vector<Parameter> parameters() override;
  void init(Host& host) override;

 private:
  [[nodiscard]] Parameter adapt(const httpd_module_param& param);

  const httpd_module_exports& exports_;
  std::vector<std::unique_ptr<char[]>> texts_;
  bool initialised_ = false;
};

}  // namespace httpd::daemon
