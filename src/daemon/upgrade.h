// Binary upgrade: the attendant starts the program anew, and gives way once that is ready.
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <functional>
#include <string>
#include <sys/types.h>
#include <vector>

#include <httpd/log.h>

#include "daemon/pid_file.h"
#include "daemon/supervisor.h"
#include "net/unique_fd.h"
#include "server/endpoints.h"

namespace httpd::daemon {

/// How the program was started. To be made at the start, before the working directory changes.
struct StartCommand {
  std::string program;                 ///< absolute
  std::vector<std::string> arguments;  ///< with argv[0]
  net::UniqueFd directory;             ///< the working directory
};
[[nodiscard]] StartCommand start_command(std::vector<std::string> arguments);

/// In the attendant. One new instance at a time.
class Upgrade {
 public:
  /// How long the new instance may take to be ready.
  static constexpr std::chrono::seconds kPatience{60};
  /// How long processes of modules stay, at most, until those of the new instance have what they had.
  static constexpr std::chrono::seconds kModulePatience{5};

  /// `give_way` is called once the new instance serves: nothing may be left then of what it has taken over.
  /// All must outlive it; `pid_file` may be null.
  Upgrade(const StartCommand& command, Supervisor& supervisor, std::vector<server::Endpoint>& endpoints,
          PidFile* pid_file, std::function<void()> give_way, Log& log);
  Upgrade(const Upgrade&) = delete;
  Upgrade& operator=(const Upgrade&) = delete;
  ~Upgrade();

  /// SIGUSR2 came: starts the new instance. What goes wrong, now or later, is logged, and changes nothing.
  void begin();
  /// The daemon is to end: so is a new instance that is not ready.
  void cancel() noexcept;
  /// What a signal has asked of this daemon the new instance is to do as well: it may have read before that
  /// what has changed, and who sent the signal knows this one alone. Nothing without a new instance.
  void pass_on(int signal) const noexcept;
  /// True once the new instance has taken over.
  [[nodiscard]] bool done() const noexcept { return state_ == State::kDone; }

 private:
  enum class State : char { kNone, kStarting, kDone };
  [[noreturn]] void run_program(int ready) const;
  void on_message(bool has_ended);
  void on_timeout();
  void on_ready();
  void fail(std::string why);
  void forget() noexcept;

  const StartCommand& command_;
  Supervisor& supervisor_;
  std::vector<server::Endpoint>& endpoints_;
  PidFile* pid_file_;
  std::function<void()> give_way_;
  Log& log_;
  State state_ = State::kNone;
  pid_t process_ = 0;
  net::UniqueFd messages_;  // from the new instance
  net::UniqueFd life_;      // of its attendant (pidfd)
};

}  // namespace httpd::daemon
