// The attendant process: starts the others, restarts them, ends them.
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <chrono>
#include <csignal>
#include <cstddef>
#include <functional>
#include <string>
#include <sys/types.h>
#include <utility>
#include <vector>

#include <httpd/log.h>

#include "daemon/shared_state.h"
#include "daemon/signals.h"
#include "net/unique_fd.h"

namespace httpd::daemon {

/// "ended with status 1", "was killed by signal 9 (Killed)"; `status` is of waitpid(2).
[[nodiscard]] std::string cause_of_death(int status);

/// Runs processes until SIGTERM or SIGINT comes.
///
/// A process that ends before all are ready makes the start fail. Later it is started again, as Restart says.
class Supervisor {
 public:
  /// Runs in the new process; what it returns is its exit status. It is to end soon after SIGTERM.
  using Main = std::function<int(Supervisor& supervisor)>;
  /// What processes get beside the time that replies have, before SIGKILL.
  static constexpr std::chrono::milliseconds kGrace{500};

  /// Both must outlive the supervisor. Throws std::system_error.
  Supervisor(SharedState& state, Log& log);
  Supervisor(const Supervisor&) = delete;
  Supervisor& operator=(const Supervisor&) = delete;
  ~Supervisor() = default;

  /// How a process that ended is started again: at once the first time, and when it has lived for `stable`;
  /// else after a delay that doubles from time to time, up to `longest_delay`.
  struct Restart {
    std::chrono::milliseconds stable{30'000};
    std::chrono::milliseconds longest_delay{10'000};
  };
  /// What a process is for decides about its end.
  enum class Role : char {
    kServer,  ///< has connections
    kWorker,  ///< serves on until the server has ended, once it has SIGTERM
    kModule   ///< whatever a module does
  };
  /// Adds a process, before run(). The start is complete when every process has called notify_ready().
  void add(const std::string& description, Main main, const Restart& restart, Role role = Role::kServer);
  void add(const std::string& description, Main main, Role role = Role::kServer) {
    add(description, std::move(main), Restart{}, role);
  }
  /// While it runs, in the attendant: calls `ready` whenever `descriptor` is readable, or at its end.
  void watch(int descriptor, std::function<void()> ready) {
    watches_.push_back({descriptor, std::move(ready)});
  }
  /// Likewise: calls `what` once, later.
  void after(std::chrono::milliseconds delay, std::function<void()> what) {
    alarms_.push_back({Clock::now() + delay, std::move(what)});
  }
  void unwatch(int descriptor) noexcept {
    std::erase_if(watches_, [descriptor](const Watch& watch) { return watch.descriptor == descriptor; });
  }
  /// Called in a process, once: it serves.
  void notify_ready() noexcept;

  /// In a process: true when it replaces one that ended.
  [[nodiscard]] bool is_restart() const noexcept { return state_ != State::kStarting; }

  /// How much time the end has.
  struct Patience {
    std::chrono::seconds delay{0};    ///< in which everything is served as before
    std::chrono::seconds timeout{5};  ///< that replies in progress have then
  };
  /// Another daemon serves: the server ends by itself, in `patience` and what its drain takes then at most,
  /// and the workers with it. Nothing is started again.
  void leave(std::chrono::seconds patience);
  /// Ends processes of modules alone, before the others.
  void end_modules() noexcept { signal_all(SIGTERM, Role::kModule); }

  /// What happens while it runs; all are called in the attendant process.
  struct Events {
    std::function<void()> on_ready;
    std::function<void()> on_reload;       ///< SIGHUP came
    std::function<void()> on_stop;         ///< the end begins
    std::function<void()> on_reopen{};     ///< SIGUSR1 came; may be empty
    std::function<void()> on_upgrade{};    ///< SIGUSR2 came, and all processes serve
    std::function<Patience()> patience{};  ///< asked when the end begins
    std::function<void()> on_start{};      ///< a process is about to be forked
  };
  /// Starts all processes and returns when they have ended: 0, or kExitFailure when the start failed.
  int run(Events events);

 private:
  using Clock = std::chrono::steady_clock;
  struct Child {
    std::size_t id;
    Role role;
    Main main;
    pid_t pid = 0;
    Clock::time_point started;
    Clock::time_point restart_at = Clock::time_point::max();
    Restart restart{};
    std::chrono::milliseconds delay{0};
  };
  struct Alarm {
    Clock::time_point when;
    std::function<void()> what;
  };
  struct Watch {
    int descriptor;
    std::function<void()> ready;
  };
  enum class State : char { kStarting, kRunning, kStopping };

  void start(Child& child);
  void start_due();
  void wait_for_something();
  void read_signals();
  void read_ready();
  void reap();
  void on_death(Child& child, const std::string& cause, bool orderly);
  void run_alarms();
  void on_end_signal();
  void stop(int exit_status);
  void begin_end(Patience patience);
  void signal_all(int signal) noexcept;
  void signal_all(int signal, Role role) noexcept;
  [[nodiscard]] bool any_alive() const noexcept;
  /// While everything is served; when the end has begun, handler processes alone.
  [[nodiscard]] bool starts_again(const Child& child) const noexcept {
    return state_ == State::kRunning ||
           (state_ == State::kStopping && child.role == Role::kWorker && Clock::now() < serves_until_);
  }

  SharedState& shared_;
  Log& log_;
  SignalDescriptor signals_;
  net::UniqueFd ready_fd_;
  std::vector<Child> children_;
  std::vector<Watch> watches_;
  std::vector<Alarm> alarms_;
  std::size_t not_ready_ = 0;
  State state_ = State::kStarting;
  bool leaving_ = false;  // in kStopping: another daemon serves
  Clock::time_point kill_at_ = Clock::time_point::max();
  Clock::time_point stopping_since_;
  Clock::time_point serves_until_;  // in kStopping: the end of the delay
  int exit_status_ = 0;
  Events events_;
};

}  // namespace httpd::daemon
