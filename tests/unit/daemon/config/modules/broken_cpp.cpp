// C++ objects that loadmodule refuses, one for each definition.
// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdexcept>

#include <httpd/module.h>

extern "C" __attribute__((visibility("default"))) const int httpd_module_abi;
extern "C" __attribute__((visibility("default"))) httpd::Module* httpd_module_create();

#if defined(WRONG_ABI)
const int httpd_module_abi = HTTPD_MODULE_ABI + 1;
httpd::Module* httpd_module_create() {
  throw std::logic_error("never called");
}
#elif defined(NO_MODULE)
const int httpd_module_abi = HTTPD_MODULE_ABI;
httpd::Module* httpd_module_create() {
  return nullptr;
}
#elif defined(THROWS)
namespace {
class OwnError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};
}  // namespace
const int httpd_module_abi = HTTPD_MODULE_ABI;
httpd::Module* httpd_module_create() {
  throw OwnError("cannot be made");
}
#elif defined(NO_NAME)
namespace {
class Nameless final : public httpd::Module {
 public:
  [[nodiscard]] std::string_view name() const override { return {}; }
  void init(httpd::Host& /*host*/) override {}
};
}  // namespace
const int httpd_module_abi = HTTPD_MODULE_ABI;
httpd::Module* httpd_module_create() {
  return new Nameless;
}
#else
#error "define what is broken"
#endif
