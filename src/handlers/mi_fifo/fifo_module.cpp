// The module mi_fifo: the Management Interface over a FIFO, as opensips-cli uses it.
// SPDX-License-Identifier: GPL-2.0-or-later
#include <string_view>
#include <vector>

#include <httpd/module.h>

#include "handlers/mi_fifo/fifo_server.h"
#include "handlers/mi_fifo/fifo_settings.h"

namespace httpd::mi_fifo {
namespace {

class MiFifoModule final : public Module {
 public:
  [[nodiscard]] std::string_view name() const override { return "mi_fifo"; }
  [[nodiscard]] std::vector<Parameter> parameters() override { return fifo_parameters(settings_); }
  void init(Host& host) override {
    check(settings_, host.log());
    host.add_process("MI FIFO", [this, &host](Process& process) {
      FifoServer(settings_, host.mi(), host.log()).run(process);
    });
  }

 private:
  FifoSettings settings_;
};

}  // namespace
}  // namespace httpd::mi_fifo

HTTPD_MODULE(httpd::mi_fifo::MiFifoModule)
