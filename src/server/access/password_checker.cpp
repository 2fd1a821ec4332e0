// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/access/password_checker.h"

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <crypt.h>
#include <csignal>
#include <cstring>
#include <list>
#include <mutex>
#include <sys/eventfd.h>
#include <thread>
#include <unistd.h>
#include <utility>

#include "net/unique_fd.h"
#include "server/access/credentials.h"

namespace httpd::server {
namespace {

net::SecretBytes with_nul(std::string_view text) {
  net::SecretBytes bytes;
  bytes.reserve(text.size() + 1);
  bytes.assign(text.begin(), text.end());
  bytes.push_back('\0');
  return bytes;
}

}  // namespace

/// A copy of the process has this, too, but not the thread: its reference is never given up there, so that
/// nothing waits for a thread that does not exist, or takes the signal out of an epoll that is the original's
/// as well.
struct PasswordChecker::Shared {
  // Whoever asked for a job holds the only other reference.
  using Jobs = std::list<std::shared_ptr<Job>>;

  const pid_t process = ::getpid();
  net::UniqueFd signal;     // an eventfd: something is done
  net::SecretBytes memory;  // what crypt(3) works in
  std::mutex mutex;         // of all below
  std::condition_variable wake;
  Jobs waiting;
  Jobs done;
  ClientKey last;  // whose job was the last one
  bool ending = false;
};

PasswordChecker::Job::Job(ClientKey client, std::string_view password, std::string_view hash,
                          std::function<void(Result)> done)
    : client_(client), password_(with_nul(password)), hash_(with_nul(hash)), done_(std::move(done)) {}

PasswordChecker::~PasswordChecker() {
  if (shared_ == nullptr || shared_->process != ::getpid()) return;
  loop_.remove(shared_->signal.get(), *this);
  {
    const std::lock_guard lock(shared_->mutex);
    shared_->ending = true;
  }
  shared_->wake.notify_one();
}

bool PasswordChecker::submit(const std::shared_ptr<Job>& job) noexcept {
  try {
    if (shared_ == nullptr && !start()) return false;
    {
      const std::lock_guard lock(shared_->mutex);
      Shared::Jobs& waiting = shared_->waiting;
      // Those that nobody asks for any more make room.
      waiting.remove_if([](const std::shared_ptr<Job>& one) { return one.use_count() == 1; });
      const auto of_client = std::ranges::count_if(
          waiting, [&job](const std::shared_ptr<Job>& one) { return one->client_ == job->client_; });
      if (waiting.size() >= kMaxWaiting || static_cast<std::size_t>(of_client) >= kMaxOfClient) return false;
      waiting.push_back(job);
    }
    shared_->wake.notify_one();
    return true;
  } catch (const std::exception&) {
    return false;
  }
}

bool PasswordChecker::start() {
  auto shared = std::make_shared<Shared>();
  shared->memory.resize(sizeof(crypt_data));
  shared->signal = net::UniqueFd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!shared->signal) return false;
  loop_.add(shared->signal.get(), EPOLLIN, *this);
  // Signals are for the threads of the host.
  sigset_t all{};
  sigset_t before{};
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  try {
    std::thread([shared] { work(*shared); }).detach();
    shared_ = std::move(shared);
  } catch (const std::exception&) {
    loop_.remove(shared->signal.get(), *this);
  }
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return shared_ != nullptr;
}

/// Takes no memory, so that nothing can stop it.
void PasswordChecker::work(Shared& shared) noexcept {
  Shared::Jobs current;
  std::unique_lock lock(shared.mutex);
  for (;;) {
    shared.wake.wait(lock, [&shared] { return shared.ending || !shared.waiting.empty(); });
    if (shared.ending) return;
    // Who has just had a turn lets others go first.
    auto next = std::ranges::find_if(
        shared.waiting, [&shared](const std::shared_ptr<Job>& job) { return job->client_ != shared.last; });
    if (next == shared.waiting.end()) next = shared.waiting.begin();
    current.splice(current.begin(), shared.waiting, next);
    Job& job = *current.front();
    shared.last = job.client_;
    lock.unlock();
    if (current.front().use_count() > 1) hash(shared, job);
    lock.lock();
    shared.done.splice(shared.done.end(), current);
    const std::uint64_t one = 1;
    static_cast<void>(::write(shared.signal.get(), &one, sizeof one) < 0);
  }
}

void PasswordChecker::hash(Shared& shared, Job& job) noexcept {
  errno = 0;
  const char* const result = ::crypt_rn(job.password_.data(), job.hash_.data(), shared.memory.data(),
                                        static_cast<int>(shared.memory.size()));
  if (result == nullptr && errno == ENOMEM) {
    job.result_ = Result::kFailed;
  } else {
    job.result_ =
        result != nullptr && same_secret(result, job.hash_.data()) ? Result::kRight : Result::kWrong;
  }
  ::explicit_bzero(shared.memory.data(), shared.memory.size());
}

void PasswordChecker::on_events(std::uint32_t /*events*/) {
  std::uint64_t count = 0;
  static_cast<void>(::read(shared_->signal.get(), &count, sizeof count) < 0);
  Shared::Jobs done;
  {
    const std::lock_guard lock(shared_->mutex);
    done.swap(shared_->done);
  }
  for (const std::shared_ptr<Job>& job : done)
    if (job.use_count() > 1) job->done_(job->result_);
}

}  // namespace httpd::server
