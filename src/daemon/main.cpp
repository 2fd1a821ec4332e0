// opensips-httpd: the HTTP transport layer of OpenSIPS as a daemon. SPDX-License-Identifier: GPL-2.0-or-later
#include <csignal>
#include <exception>
#include <fcntl.h>
#include <iostream>
#include <string>
#include <unistd.h>
#include <vector>

#include "daemon/options.h"
#include "daemon/signals.h"
#include "daemon/startup.h"

namespace {

/// A standard descriptor that the starter left closed would become the next file or socket that is opened,
/// and log lines would go into it.
void open_standard_descriptors() {
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; ++fd)
    if (::fcntl(fd, F_GETFD) < 0 && ::open("/dev/null", O_RDWR) < 0) return;
}

}  // namespace

int main(int argc, char** argv) {
  using namespace httpd::daemon;
  open_standard_descriptors();
  static_cast<void>(std::signal(SIGPIPE, SIG_IGN));
  try {
    const Options options = read_options(argc, argv);
    if (options.action == Options::Action::kExit) return options.exit_status;
    if (options.action == Options::Action::kRun) hold_signals();
    return run_daemon(options, std::vector<std::string>(argv, argv + argc));
  } catch (const std::exception& error) {
    std::cerr << "opensips-httpd: " << error.what() << '\n';
    return kExitFailure;
  }
}
