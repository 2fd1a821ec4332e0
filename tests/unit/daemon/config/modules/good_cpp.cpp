// A C++ module that works.
// SPDX-License-Identifier: GPL-2.0-or-later
#include <httpd/module.h>
#include <httpd/parameter.h>

extern "C" void config_test_note(const char* what);

namespace {

class GoodModule final : public httpd::Module {
 public:
  GoodModule() = default;
  GoodModule(const GoodModule&) = delete;
  GoodModule& operator=(const GoodModule&) = delete;
  ~GoodModule() override { config_test_note("good_cpp gone"); }
  [[nodiscard]] std::string_view name() const override { return "good_cpp"; }
  [[nodiscard]] std::vector<httpd::Parameter> parameters() override {
    return {httpd::integer_parameter("level", 1, 10, [](long long) { config_test_note("good_cpp level"); })};
  }
  void init(httpd::Host& /*host*/) override { throw httpd::ConfigError("good_cpp says no"); }
};

}  // namespace

HTTPD_MODULE(GoodModule)
