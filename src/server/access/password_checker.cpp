// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/access/password_checker.h"

#include <crypt.h>
#include <csignal>
#include <sys/eventfd.h>
#include <unistd.h>
#include <utility>

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

PasswordChecker::Job::Job(std::string_view password, std::string_view hash, std::function<void(bool)> done)
    : password_(with_nul(password)), hash_(with_nul(hash)), done_(std::move(done)) {}

PasswordChecker::~PasswordChecker() {
  if (!thread_.joinable()) return;
  if (process_ != ::getpid()) {
    thread_.detach();  // a copy of the process, where it has never been
    return;
  }
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  wake_.notify_one();
  thread_.join();
  loop_.remove(signal_.get(), *this);
}

bool PasswordChecker::submit(const std::shared_ptr<Job>& job) noexcept {
  try {
    if (!thread_.joinable() && !start()) return false;
    {
      const std::lock_guard lock(mutex_);
      // Those that nobody asks for any more make room.
      std::erase_if(waiting_, [](const std::shared_ptr<Job>& waiting) { return waiting.use_count() == 1; });
      if (waiting_.size() == kMaxWaiting) return false;
      waiting_.push_back(job);
    }
    wake_.notify_one();
    return true;
  } catch (const std::exception&) {
    return false;
  }
}

bool PasswordChecker::start() {
  net::UniqueFd signal(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!signal) return false;
  loop_.add(signal.get(), EPOLLIN, *this);
  signal_ = std::move(signal);
  process_ = ::getpid();
  // Signals are for the threads of the host.
  sigset_t all{};
  sigset_t before{};
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  try {
    thread_ = std::thread([this] { work(); });
  } catch (const std::system_error&) {
    loop_.remove(signal_.get(), *this);
    signal_.reset();
  }
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return thread_.joinable();
}

void PasswordChecker::work() noexcept {
  try {
    net::SecretBytes memory(sizeof(crypt_data));
    std::unique_lock lock(mutex_);
    for (;;) {
      wake_.wait(lock, [this] { return ending_ || !waiting_.empty(); });
      if (ending_) return;
      std::shared_ptr<Job> job = std::move(waiting_.front());
      waiting_.pop_front();
      lock.unlock();
      if (job.use_count() > 1) {
        const char* const result = ::crypt_rn(job->password_.data(), job->hash_.data(), memory.data(),
                                              static_cast<int>(memory.size()));
        job->is_right_ = result != nullptr && same_secret(result, job->hash_.data());
        std::fill(memory.begin(), memory.end(), '\0');
      }
      lock.lock();
      done_.push_back(std::move(job));
      const std::uint64_t one = 1;
      static_cast<void>(::write(signal_.get(), &one, sizeof one) < 0);
    }
  } catch (const std::exception&) {
    // No memory: requests wait in the queue until it is full, and are then refused.
  }
}

void PasswordChecker::on_events(std::uint32_t /*events*/) {
  std::uint64_t count = 0;
  static_cast<void>(::read(signal_.get(), &count, sizeof count) < 0);
  Jobs done;
  {
    const std::lock_guard lock(mutex_);
    done.swap(done_);
  }
  for (std::shared_ptr<Job>& job : done)
    if (job.use_count() > 1) job->done_(job->is_right_);
}

}  // namespace httpd::server
