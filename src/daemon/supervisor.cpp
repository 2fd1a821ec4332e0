// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/supervisor.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <fmt/format.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <system_error>
#include <unistd.h>

#include "daemon/options.h"

namespace httpd::daemon {
namespace {

constexpr std::chrono::milliseconds kFirstDelay{200};
constexpr std::chrono::seconds kRepeat{1};

}  // namespace

std::string cause_of_death(int status) {
  if (WIFSIGNALED(status)) {
    const int signal = WTERMSIG(status);
    return fmt::format("was killed by signal {} ({})", signal, ::strsignal(signal));
  }
  return fmt::format("ended with status {}", WEXITSTATUS(status));
}

Supervisor::Supervisor(SharedState& state, Log& log)
    : shared_(state),
      log_(log),
      signals_({SIGTERM, SIGINT, SIGCHLD, SIGHUP, SIGUSR1, SIGUSR2}),
      ready_fd_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
  if (!ready_fd_) throw std::system_error(errno, std::generic_category(), "eventfd");
  // Whoever started us may have left it ignored, and then the kernel would bury our processes without
  // telling.
  static_cast<void>(std::signal(SIGCHLD, SIG_DFL));
}

void Supervisor::add(const std::string& description, Main main, const Restart& restart, Role role) {
  Child child;
  child.role = role;
  child.id = shared_.add_process(description);
  child.main = std::move(main);
  child.restart = restart;
  children_.push_back(std::move(child));
  ++not_ready_;
}

void Supervisor::notify_ready() noexcept {
  const std::uint64_t one = 1;
  if (::write(ready_fd_.get(), &one, sizeof one) < 0)
    log_.write(LogLevel::kError, "cannot tell the attendant that this process is ready");
}

int Supervisor::run(Events events) {
  events_ = std::move(events);
  for (Child& child : children_)
    start(child);
  while (state_ != State::kStopping || any_alive()) {
    if (state_ == State::kStarting && not_ready_ == 0) {
      state_ = State::kRunning;
      events_.on_ready();
    }
    wait_for_something();
    read_signals();
    read_ready();
    reap();
    run_alarms();
    if (Clock::now() >= kill_at_) {
      log_.write(LogLevel::kWarning, "some processes did not end in time: killing them");
      signal_all(SIGKILL);
      kill_at_ = Clock::time_point::max();
    }
    start_due();
  }
  return exit_status_;
}

void Supervisor::start(Child& child) {
  child.restart_at = Clock::time_point::max();
  child.started = Clock::now();
  if (events_.on_start) events_.on_start();
  const pid_t attendant = ::getpid();
  const pid_t pid = ::fork();
  if (pid < 0) {
    log_.write(LogLevel::kCritical, fmt::format("cannot start process {}: {}", shared_.description(child.id),
                                                std::strerror(errno)));
    if (state_ == State::kStarting) return stop(kExitFailure);
    child.restart_at = child.started + child.restart.longest_delay;
    return;
  }
  if (pid > 0) {
    child.pid = pid;
    shared_.set_pid(child.id, pid);
    return;
  }
  // The new process.
  int status = kExitFailure;
  try {
    reset_signals();
    // Without its attendant a process has nobody to end it.
    ::prctl(PR_SET_PDEATHSIG, SIGTERM);
    shared_.set_pid(child.id, ::getpid());
    shared_.become(child.id);
    if (::getppid() == attendant) status = child.main(*this);
  } catch (const std::exception& exception) {
    log_.write(LogLevel::kCritical,
               fmt::format("process {}: {}", shared_.description(child.id), exception.what()));
  } catch (...) {
    log_.write(LogLevel::kCritical, fmt::format("process {}: an exception that is no std::exception",
                                                shared_.description(child.id)));
  }
  std::exit(status);  // NOLINT(concurrency-mt-unsafe): there is one thread
}

void Supervisor::wait_for_something() {
  Clock::time_point until = kill_at_;
  for (const Child& child : children_)
    if (starts_again(child)) until = std::min(until, child.restart_at);
  for (const Alarm& alarm : alarms_)
    until = std::min(until, alarm.when);
  int timeout = -1;
  if (until != Clock::time_point::max()) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now()).count();
    timeout = static_cast<int>(std::clamp<long long>(left, 0, 60'000));
  }
  std::vector<pollfd> waiting{pollfd{signals_.get(), POLLIN, 0}, pollfd{ready_fd_.get(), POLLIN, 0}};
  const std::size_t own = waiting.size();
  for (const Watch& watch : watches_)
    waiting.push_back({watch.descriptor, POLLIN, 0});
  if (::poll(waiting.data(), waiting.size(), timeout) <= 0) return;
  for (std::size_t i = own; i < waiting.size(); ++i) {
    if (waiting[i].revents == 0) continue;
    // What was called before may have ended this watch.
    const auto found = std::ranges::find(watches_, waiting[i].fd, &Watch::descriptor);
    if (found == watches_.end()) continue;
    const std::function<void()> ready = found->ready;
    ready();
  }
}

void Supervisor::read_signals() {
  while (const std::optional<int> signal = signals_.next()) {
    if (*signal == SIGHUP) {
      events_.on_reload();
    } else if (*signal == SIGUSR1) {
      if (events_.on_reopen) events_.on_reopen();
    } else if (*signal == SIGTERM || *signal == SIGINT) {
      on_end_signal();
    } else if (*signal == SIGUSR2) {
      if (state_ == State::kRunning) {
        if (events_.on_upgrade) events_.on_upgrade();
      } else {
        log_.write(LogLevel::kWarning, fmt::format("SIGUSR2: no upgrade while the daemon {}",
                                                   state_ == State::kStarting ? "starts" : "ends"));
      }
    }
  }
}

void Supervisor::on_end_signal() {
  if (state_ != State::kStopping) return stop(0);
  if (leaving_) {
    leaving_ = false;
    const Patience patience{std::chrono::seconds(0),
                            events_.patience ? events_.patience().timeout : Patience().timeout};
    log_.write(LogLevel::kNotice,
               fmt::format("stopping: replies in progress have {} s to finish", patience.timeout.count()));
    return begin_end(patience);
  }
  // Some send it twice in a row, to the process and to its group; who sends it later means it.
  if (Clock::now() - stopping_since_ < kRepeat) return;
  log_.write(LogLevel::kWarning, "stopping at once");
  signal_all(SIGKILL);
  kill_at_ = Clock::time_point::max();
}

void Supervisor::run_alarms() {
  const Clock::time_point now = Clock::now();
  std::vector<Alarm> due;
  std::erase_if(alarms_, [&](Alarm& alarm) {
    if (alarm.when > now) return false;
    due.push_back(std::move(alarm));
    return true;
  });
  for (const Alarm& alarm : due)
    alarm.what();
}

void Supervisor::read_ready() {
  std::uint64_t count = 0;
  if (::read(ready_fd_.get(), &count, sizeof count) == static_cast<ssize_t>(sizeof count))
    not_ready_ -= std::min<std::size_t>(count, not_ready_);
}

void Supervisor::reap() {
  for (Child& child : children_) {
    if (child.pid == 0) continue;
    int status = 0;
    const pid_t reaped = ::waitpid(child.pid, &status, WNOHANG);
    if (reaped == child.pid) {
      // The signals that we end processes with ourselves.
      const bool ours = WIFSIGNALED(status) && (WTERMSIG(status) == SIGTERM || WTERMSIG(status) == SIGKILL);
      on_death(child, cause_of_death(status), status == 0 || ours);
    } else if (reaped < 0 && errno == ECHILD) {
      on_death(child, "is gone", true);
    }
  }
}

void Supervisor::on_death(Child& child, const std::string& cause, bool orderly) {
  const std::string who = fmt::format("process {} ({})", shared_.description(child.id), child.pid);
  child.pid = 0;
  shared_.set_pid(child.id, 0);
  switch (starts_again(child) ? State::kRunning : state_) {
    case State::kStopping:
      if (!orderly) {
        log_.write(LogLevel::kError, fmt::format("{} {}", who, cause));
        exit_status_ = kExitFailure;
      }
      break;
    case State::kStarting:
      log_.write(LogLevel::kCritical, fmt::format("{} {} before it was ready: giving up", who, cause));
      stop(kExitFailure);
      break;
    case State::kRunning: {
      const Clock::time_point now = Clock::now();
      if (now - child.started >= child.restart.stable) child.delay = std::chrono::milliseconds{0};
      child.restart_at = now + child.delay;
      log_.write(LogLevel::kError,
                 fmt::format("{} {}: starting it again in {} ms", who, cause, child.delay.count()));
      child.delay = std::min(std::max(child.delay * 2, kFirstDelay), child.restart.longest_delay);
      break;
    }
  }
}

void Supervisor::start_due() {
  const Clock::time_point now = Clock::now();
  for (Child& child : children_)
    if (child.pid == 0 && child.restart_at <= now && starts_again(child)) start(child);
}

void Supervisor::stop(int exit_status) {
  Patience patience = events_.patience ? events_.patience() : Patience{};
  // Where not everything serves, nothing is served on.
  if (state_ == State::kStarting) patience.delay = std::chrono::seconds(0);
  state_ = State::kStopping;
  exit_status_ = exit_status;
  if (exit_status == 0)
    log_.write(LogLevel::kNotice,
               fmt::format("stopping{}: replies in progress have {} s to finish",
                           patience.delay.count() == 0 ? "" : fmt::format(" in {} s", patience.delay.count()),
                           patience.timeout.count()));
  events_.on_stop();
  begin_end(patience);
}

void Supervisor::begin_end(Patience patience) {
  stopping_since_ = Clock::now();
  kill_at_ = stopping_since_ + patience.delay + patience.timeout + kGrace;
  if (patience.delay == std::chrono::seconds(0)) return signal_all(SIGTERM);
  serves_until_ = stopping_since_ + patience.delay;
  signal_all(SIGTERM, Role::kServer);
  after(patience.delay, [this] {
    signal_all(SIGTERM, Role::kWorker);
    end_modules();
  });
}

void Supervisor::leave(std::chrono::seconds patience) {
  const Patience end = events_.patience ? events_.patience() : Patience{};
  state_ = State::kStopping;
  leaving_ = true;
  stopping_since_ = Clock::now();
  kill_at_ = stopping_since_ + patience + end.timeout + kGrace;
  signal_all(SIGTERM, Role::kWorker);
}

void Supervisor::signal_all(int signal) noexcept {
  for (const Child& child : children_)
    if (child.pid != 0) ::kill(child.pid, signal);
}

void Supervisor::signal_all(int signal, Role role) noexcept {
  for (const Child& child : children_)
    if (child.pid != 0 && child.role == role) ::kill(child.pid, signal);
}

bool Supervisor::any_alive() const noexcept {
  return std::ranges::any_of(children_, [](const Child& child) { return child.pid != 0; });
}

}  // namespace httpd::daemon
