// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/options.h"

#include <CLI/CLI.hpp>
#include <filesystem>
#include <iostream>

#include "daemon/version.h"

namespace httpd::daemon {

Options read_options(int argc, const char* const* argv) {
  Options options;
  options.config_file = default_config_file();
  bool check = false;
  bool version = false;
  bool foreground = false;
  std::size_t shared_memory_mb = 0;

  CLI::App app("The HTTP transport layer of OpenSIPS as a daemon of its own.", "opensips-httpd");
  app.set_help_flag("-h,--help", "This help message");
  app.add_option("-f", options.config_file, "Configuration file")
      ->type_name("file")
      ->take_last()
      ->capture_default_str();
  app.add_flag("-c,-C", check, "Check the configuration file for errors and exit");
  app.add_flag("-D", options.debug, "Run in debug mode: log level 4");
  app.add_flag("-d", options.more_log, "Raise the log level by one; may be repeated");
  app.add_flag("-F,-E", foreground, "Run in the foreground and log to standard error; this is the default");
  app.add_option("-M", options.private_memory_mb,
                 "Private memory in MB; a quarter of it stays ready for replies that C handlers print")
      ->type_name("nr")
      ->check(CLI::Range(1, 4096))
      ->capture_default_str();
  app.add_option("-m", shared_memory_mb,
                 "Shared memory in MB; taken for the sake of OpenSIPS's command lines, not used")
      ->type_name("nr");
  app.add_option("-w", options.working_directory, "Change the working directory to dir")->type_name("dir");
  app.add_option("-P", options.pid_file, "Create a pid file")->type_name("file");
  app.add_option("-u", options.user, "Change to this user once the sockets are open; a name or number")
      ->type_name("uid");
  app.add_option("-g", options.group, "Change to this group; the user's unless given")->type_name("gid");
  app.add_flag("-V,--version", version, "Version number, with those of the libraries");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    // Nothing wrong: -h ends here too.
    const bool good = error.get_exit_code() == 0;
    if (good) std::cout << "version: " << daemon::version() << '\n';
    app.exit(error, std::cout, std::cerr);
    options.action = Options::Action::kExit;
    options.exit_status = good ? 0 : kExitFailure;
    return options;
  }
  // Named from where the daemon was started, whatever -w says.
  options.config_file = std::filesystem::absolute(options.config_file).string();
  if (!options.pid_file.empty()) options.pid_file = std::filesystem::absolute(options.pid_file).string();
  if (version) {
    std::cout << version_text() << std::flush;
    options.action = Options::Action::kExit;
  } else if (check) {
    options.action = Options::Action::kCheck;
  }
  return options;
}

}  // namespace httpd::daemon
