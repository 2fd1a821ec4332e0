// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/upgrade.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fmt/format.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>
#include <utility>

#include "daemon/predecessor.h"
#include "daemon/signals.h"
#include "daemon/version.h"

namespace httpd::daemon {
namespace {

constexpr int kFirst = SD_LISTEN_FDS_START;

/// The name that a socket is handed on with: that which it came with, or one that says that we bound it.
std::string name_of(const server::Endpoint& endpoint) {
  if (!endpoint.name.empty()) return endpoint.name;
  return std::string(endpoint.socket.has_file() ? kUpgradeSocketWithFile : kUpgradeSocket);
}

/// Gives these descriptors the numbers from kFirst on, and the new program alone these. In the new process.
bool put_in_place(const std::vector<int>& descriptors) {
  const int end = kFirst + static_cast<int>(descriptors.size());
  std::vector<int> apart;
  for (const int descriptor : descriptors) {
    const int copy = ::fcntl(descriptor, F_DUPFD_CLOEXEC, end);
    if (copy < 0) return false;
    apart.push_back(copy);
  }
  for (std::size_t i = 0; i < apart.size(); ++i)
    if (::dup2(apart[i], kFirst + static_cast<int>(i)) < 0) return false;
      // Of the daemon's own none is inherited; a module's may be. Kernels before 5.11 do not know this.
#ifdef SYS_close_range
  constexpr unsigned int kCloseOnExec = 4;
  ::syscall(SYS_close_range, static_cast<unsigned int>(end), ~0U, kCloseOnExec);
#endif
  return true;
}

void set_variable(const char* name, const std::string& value) {
  ::setenv(name, value.c_str(), 1);  // NOLINT(concurrency-mt-unsafe): there is one thread
}

}  // namespace

StartCommand start_command(std::vector<std::string> arguments) {
  // NOLINTNEXTLINE(performance-no-int-to-ptr): the kernel gives addresses as numbers
  const auto* const started_as = reinterpret_cast<const char*>(::getauxval(AT_EXECFN));
  std::error_code error;
  // As it was called, so that a link that leads to another version by then is followed anew.
  std::string program =
      started_as == nullptr ? std::string() : std::filesystem::absolute(started_as, error).string();
  if (error || program.empty() || ::access(program.c_str(), X_OK) != 0) program = program_path();
  return {std::move(program), std::move(arguments),
          net::UniqueFd(::open(".", O_PATH | O_DIRECTORY | O_CLOEXEC))};
}

Upgrade::Upgrade(const StartCommand& command, Supervisor& supervisor,
                 std::vector<server::Endpoint>& endpoints, PidFile* pid_file, std::function<void()> give_way,
                 Log& log)
    : command_(command),
      supervisor_(supervisor),
      endpoints_(endpoints),
      pid_file_(pid_file),
      give_way_(std::move(give_way)),
      log_(log) {}

Upgrade::~Upgrade() {
  forget();
}

void Upgrade::forget() noexcept {
  for (net::UniqueFd* const fd : {&messages_, &life_}) {
    if (*fd) supervisor_.unwatch(fd->get());
    fd->reset();
  }
}

void Upgrade::begin() {
  if (state_ == State::kStarting)
    return log_.write(LogLevel::kWarning,
                      fmt::format("SIGUSR2: an upgrade is in progress already: process {}", process_));
  if (::getpid() == 1)
    return log_.write(LogLevel::kWarning,
                      "SIGUSR2: a container ends with its first process, which is this one: start a new "
                      "container instead");
  std::array<int, 2> pipe{};
  if (::pipe2(pipe.data(), O_CLOEXEC | O_NONBLOCK) != 0)
    return log_.write(LogLevel::kError, fmt::format("upgrade: no pipe: {}", std::strerror(errno)));
  net::UniqueFd reading(pipe[0]);
  const net::UniqueFd writing(pipe[1]);
  const pid_t pid = ::fork();
  if (pid == 0) run_program(writing.get());
  if (pid < 0)
    return log_.write(LogLevel::kError, fmt::format("upgrade: no process: {}", std::strerror(errno)));
  log_.write(LogLevel::kNotice, fmt::format("upgrade: starting {} as process {}", command_.program, pid));
  state_ = State::kStarting;
  process_ = pid;
  messages_ = std::move(reading);
  supervisor_.watch(messages_.get(), [this] { on_message(false); });
  life_ = net::UniqueFd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0U)));
  // Without it the end of the pipe has to do.
  if (life_) supervisor_.watch(life_.get(), [this] { on_message(true); });
  supervisor_.after(kPatience, [this, pid] {
    if (process_ == pid) on_timeout();
  });
}

/// In the new process.
void Upgrade::run_program(int ready) const {
  std::vector<int> descriptors;
  std::string names;
  for (const server::Endpoint& endpoint : endpoints_) {
    descriptors.push_back(endpoint.socket.descriptor());
    names += (names.empty() ? "" : ":") + name_of(endpoint);
  }
  const std::size_t sockets = descriptors.size();
  descriptors.push_back(ready);
  if (pid_file_ != nullptr) descriptors.push_back(pid_file_->descriptor());
  const int ready_there = kFirst + static_cast<int>(sockets);
  set_variable("LISTEN_FDS", std::to_string(sockets));
  set_variable("LISTEN_FDNAMES", names);
  set_variable("LISTEN_PID", std::to_string(::getpid()));
  set_variable(kUpgradeVariable, pid_file_ == nullptr ? std::to_string(ready_there)
                                                      : fmt::format("{},{}", ready_there, ready_there + 1));
  std::vector<char*> arguments;
  for (const std::string& argument : command_.arguments)
    arguments.push_back(const_cast<char*>(argument.c_str()));  // NOLINT: execv() changes none
  arguments.push_back(nullptr);
  int report = ready;
  if ((!command_.directory || ::fchdir(command_.directory.get()) == 0) && put_in_place(descriptors)) {
    report = ready_there;
    ::fcntl(report, F_SETFD, 0);
    hold_signals();
    ::execv(command_.program.c_str(), arguments.data());
  }
  const std::string why = fmt::format("{}{}", kUpgradeNoProgram, errno);
  if (::write(report, why.data(), why.size()) < 0) ::_exit(1);
  ::_exit(1);
}

/// Something came, or the new attendant has ended.
void Upgrade::on_message(bool has_ended) {
  std::array<char, 16> text{};
  const ssize_t count = ::read(messages_.get(), text.data(), text.size());
  if (state_ != State::kStarting) {
    // All of its processes have what they need, or are gone.
    if (count == 0 || has_ended) {
      forget();
      supervisor_.end_modules();
    }
    return;
  }
  if (count > 0 && text[0] == kUpgradeNoProgram) {
    int error = 0;
    std::from_chars(text.data() + 1, text.data() + count, error);
    return fail(fmt::format("{} cannot be run: {}", command_.program, std::strerror(error)));
  }
  if (has_ended || (count == 0 && !life_)) return fail({});
  if (count == 0) {
    // It is ending, and how will be known when it has.
    supervisor_.unwatch(messages_.get());
    messages_.reset();
    return;
  }
  if (count > 0 && text[0] == kUpgradeReady) on_ready();
}

void Upgrade::on_timeout() {
  if (state_ == State::kStarting) fail(fmt::format("it was not ready in {} s", kPatience.count()));
}

/// Its processes end with their attendant, and serve nobody yet. Without a reason it is how it ended.
void Upgrade::fail(std::string why) {
  const pid_t process = std::exchange(process_, 0);
  state_ = State::kNone;
  forget();
  int status = 0;
  const bool had_ended = ::waitpid(process, &status, WNOHANG) == process;
  if (!had_ended) {
    ::kill(process, SIGKILL);
    while (::waitpid(process, &status, 0) < 0 && errno == EINTR) {
    }
  }
  if (why.empty()) why = fmt::format("it {} before it was ready", cause_of_death(status));
  log_.write(LogLevel::kError, fmt::format("upgrade failed: process {}: {}; this one goes on", process, why));
}

void Upgrade::cancel() noexcept {
  if (state_ != State::kStarting) return;
  ::kill(process_, SIGTERM);
  state_ = State::kNone;
  process_ = 0;
  forget();
}

/// Its number is not given to another process until this one has waited for it. Its signals wait while it
/// starts, see hold_signals().
void Upgrade::pass_on(int signal) const noexcept {
  if (process_ != 0) ::kill(process_, signal);
}

void Upgrade::on_ready() {
  state_ = State::kDone;
  log_.write(LogLevel::kNotice,
             fmt::format("upgrade: process {} serves; this one ends when its connections have", process_));
  if (pid_file_ != nullptr) pid_file_->hand_over(process_);
  ::sd_notify(0, fmt::format("MAINPID={}", process_).c_str());
  for (server::Endpoint& endpoint : endpoints_)
    endpoint.socket.leave_file();
  give_way_();
  supervisor_.after(kModulePatience, [this] { supervisor_.end_modules(); });
}

}  // namespace httpd::daemon
