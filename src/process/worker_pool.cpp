// The pool towards the handler processes. SPDX-License-Identifier: GPL-2.0-or-later
#include "process/worker_pool.h"

#include <algorithm>
#include <fmt/format.h>
#include <stdexcept>
#include <string>
#include <sys/resource.h>
#include <utility>

#include "process/request_message.h"

namespace httpd::process {
namespace {

using BoardState = server::RequestBoard::State;
using Counter = server::Statistics;

RequestQueue::Limits limits_of(const server::Settings& settings) noexcept {
  const std::size_t all_but_one = std::max<std::size_t>(settings.workers, 2) - 1;
  return {settings.max_queue, settings.max_root_workers == 0 ? all_but_one : settings.max_root_workers};
}

/// Rather no start than one after which no handler process, or no client, comes in.
void check_limit(std::size_t workers) {
  constexpr std::size_t kOthers = 48;  // what the process has anyway, and some connections
  const std::size_t needed = WorkerPool::descriptors(workers) + kOthers;
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < needed)
    throw std::runtime_error(
        fmt::format("workers = {} needs {} open files in the HTTPD process, and the limit is {}: "
                    "raise it (ulimit -n, LimitNOFILE=), or lower parameter workers of module "
                    "httpd",
                    workers, needed, limit.rlim_cur));
}

}  // namespace

WorkerPool::WorkerPool(const Surroundings& surroundings, MeetingPoint& meeting_point)
    : loop_(surroundings.loop),
      settings_(surroundings.settings),
      board_(surroundings.board),
      statistics_(surroundings.statistics),
      requests_(surroundings.requests),
      refusals_(surroundings.refusals),
      log_(surroundings.log),
      queue_(limits_of(surroundings.settings), surroundings.router),
      jobs_(*this),
      meeting_point_(meeting_point),
      buffer_(std::make_unique<std::array<char, kMessageSize>>()) {
  check_limit(settings_.workers);
  count();
  meeting_point_.attend(loop_, [this](Arrival arrival) { meet(std::move(arrival)); });
}

WorkerPool::~WorkerPool() {
  meeting_point_.leave();
}

void WorkerPool::change_limits() {
  queue_.limit(limits_of(settings_));
  hand_on();
}

void WorkerPool::meet(Arrival arrival) {
  RemoteWorker::Owner& owner = *this;
  try {
    auto worker = std::make_unique<RemoteWorker>(loop_, owner, std::move(arrival));
    worker->send_control(Header::Kind::kWelcome, 0);
    workers_.push_back(std::move(worker));
    board_.forget_returned(workers_.back()->process());
  } catch (const std::exception& exception) {
    // It finds that out by itself, and comes again.
    log_.write(LogLevel::kError, fmt::format("a handler process was turned away: {}", exception.what()));
  }
  hand_on();
}

RemoteWorker* WorkerPool::idle_worker() noexcept {
  const auto found = std::ranges::find_if(workers_, [](const auto& worker) { return worker->idle(); });
  return found == workers_.end() ? nullptr : found->get();
}

void WorkerPool::dispatch(server::Exchange& request, Reply reply) {
  Job& job = jobs_.begin(request, std::move(reply));
  const std::uint64_t id = job.id();
  try {
    place(job);
  } catch (...) {
    if (job.id() == id) {
      if (static_cast<RequestQueue::Item&>(job).linked()) queue_.remove(job);
      end(job);
    }
    throw;
  }
}

bool WorkerPool::is_stuck() const noexcept {
  return std::ranges::all_of(workers_, [this](const auto& worker) {
    return worker->running != nullptr && loop_.now() - worker->running->since >= settings_.stuck_timeout;
  });
}

std::vector<server::Dispatcher::Worker> WorkerPool::workers() const {
  std::vector<Worker> workers;
  for (const auto& worker : workers_) {
    Worker& one = workers.emplace_back(Worker{worker->number(), worker->process()});
    if (worker->running == nullptr) continue;
    one.root = worker->running->route().root;
    one.since = worker->running->since;
  }
  std::ranges::sort(workers, {}, &Worker::number);
  return workers;
}

void WorkerPool::place(Job& job) {
  job.reply().on_client_gone([this, &job] { on_client_gone(job); });
  job.since = loop_.now();
  job.shown = board_.open(job.request(), BoardState::kQueued, 0, loop_.now());
  if (queue_.may_start(job.route()))
    while (RemoteWorker* const worker = idle_worker())
      if (start(job, *worker)) return count();
  if (!queue_.has_room(job.route())) {
    statistics_.add(Counter::kQueueRefusals);
    refuse(job, http::Refusal::kQueueFull);
    return end(job);
  }
  wait(job);
  refuse_hopeless();
}

void WorkerPool::wait(Job& job) {
  queue_.push(job);
  job.start_timer(loop_, settings_.handler_timeout);
  count();
}

SendResult WorkerPool::send(Job& job, RemoteWorker& worker) noexcept {
  try {
    std::string origin;
    return worker.send(request_message(job.id(), job.request(), origin));
  } catch (const std::exception&) {
    return SendResult::kNoResources;
  }
}

/// True when the job is out of the caller's hands: its handler has it, or it cannot have it.
bool WorkerPool::start(Job& job, RemoteWorker& worker) {
  // Before the handler can ask for it.
  worker.running = &job;
  board_.change(job.shown, BoardState::kRunning, worker.process(), loop_.now());
  count();
  const SendResult result = send(job, worker);
  if (result != SendResult::kSent) {
    worker.running = nullptr;
    board_.change(job.shown, BoardState::kQueued, 0, job.since);
  }
  switch (result) {
    case SendResult::kSent:
      break;
    case SendResult::kBlocked:
    case SendResult::kGone:
      return false;
    case SendResult::kNoResources:
      refuse(job, http::Refusal::kOutOfResources);
      end(job);
      return true;
  }
  queue_.started(job.route());
  count_queue(job);
  job.since = loop_.now();
  job.state = Job::State::kRunning;
  job.worker = &worker;
  job.start_timer(loop_, settings_.handler_timeout);
  return true;
}

void WorkerPool::hand_on() {
  while (RemoteWorker* const worker = idle_worker()) {
    RequestQueue::Item* const item = queue_.next();
    if (item == nullptr) break;
    if (!start(static_cast<Job&>(*item), *worker)) queue_.put_back(*item);
  }
  count();
}

void WorkerPool::on_message(RemoteWorker& worker, Incoming& message) {
  try {
    on_message_checked(worker, message);
  } catch (const std::exception& exception) {
    log_.write(LogLevel::kError, fmt::format("the connection to handler process {} ({}) is cut: {}",
                                             worker.number(), worker.process(), exception.what()));
    on_gone(worker, false);
  }
}

void WorkerPool::on_message_checked(RemoteWorker& worker, Incoming& message) {
  loop_.set_exact_time();
  const Header& header = message.header;
  Job* const job = jobs_.find(header.id);
  const bool its_own = job != nullptr && job->worker == &worker;
  switch (header.kind) {
    case Header::Kind::kReply:
    case Header::Kind::kKept:
      if (!its_own || worker.running != job) break;
      on_returned(worker, *job);
      if (header.kind == Header::Kind::kKept) {
        keep(*job);
      } else {
        on_reply(*job, message);
      }
      return hand_on();
    case Header::Kind::kLate:
      if (its_own && job->state == Job::State::kKept) on_reply(*job, message);
      return;  // else it was cancelled meanwhile
    case Header::Kind::kPiece:
      if (its_own && job->stream != nullptr) on_piece(*job, message);
      return;
    default:
      break;
  }
  log_.write(LogLevel::kError,
             fmt::format("handler process {} ({}) said what makes no sense: connection to it cut",
                         worker.number(), worker.process()));
  on_gone(worker, false);
}

void WorkerPool::on_room(RemoteWorker& /*worker*/) {
  hand_on();
}

void WorkerPool::on_returned(RemoteWorker& worker, Job& job) {
  queue_.ended(job.route());
  worker.running = nullptr;
}

void WorkerPool::keep(Job& job) {
  job.state = Job::State::kKept;
  if (!job.has_client()) return end(job);  // the handler process has been told already
  show(job, BoardState::kKept);
}

/// No handler has seen it: another one may have it.
void WorkerPool::take_back(Job& job) noexcept {
  job.state = Job::State::kWaiting;
  job.since = loop_.now();
  job.worker = nullptr;
  show(job, BoardState::kQueued);
  queue_.put_back(job);
}

void WorkerPool::on_gone(RemoteWorker& worker, bool untouched) {
  jobs_.for_each([&](Job& job) {
    if (job.worker != &worker) return;
    if (worker.running == &job) {
      queue_.ended(job.route());
      if (untouched && job.has_client()) return take_back(job);
    }
    if (job.stream != nullptr) {
      std::exchange(job.stream, nullptr)->finish(false);
    } else if (job.has_client()) {
      statistics_.add(Counter::kHandlerDeaths);
      refuse(job, http::Refusal::kHandlerDied);
    }
    end(job);
  });
  std::erase_if(workers_, [&worker](const auto& candidate) { return candidate.get() == &worker; });
  meeting_point_.keep_reserve();  // before connections take what has become free
  hand_on();
  refuse_hopeless();
}

void WorkerPool::drain(Waiting waiting) {
  ending_ = waiting;
  refuse_hopeless();
}

/// At the end: requests that no handler will see.
void WorkerPool::refuse_hopeless() {
  if (!ending_ || (*ending_ == Waiting::kServed && !workers_.empty())) return;
  while (RequestQueue::Item* const item = queue_.any()) {
    Job& job = static_cast<Job&>(*item);
    queue_.remove(job);
    refuse(job, http::Refusal::kShuttingDown);
    end(job);
  }
  count();
}

void WorkerPool::on_pull(Job& job) {
  job.worker->send_control(Header::Kind::kPull, job.id());
}

void WorkerPool::on_stream_dropped(Job& job) noexcept {
  job.stream = nullptr;
  job.worker->send_control(Header::Kind::kCancel, job.id());
  end(job);
}

void WorkerPool::show(Job& job, BoardState state) noexcept {
  board_.change(job.shown, state, job.worker == nullptr ? 0 : job.worker->process(), loop_.now());
}

void WorkerPool::end(Job& job) noexcept {
  board_.close(job.shown);
  jobs_.end(job);
}

void WorkerPool::count() noexcept {
  const auto busy =
      std::ranges::count_if(workers_, [](const auto& worker) { return worker->running != nullptr; });
  statistics_.set(Counter::kWorkers, workers_.size());
  statistics_.set(Counter::kBusyWorkers, static_cast<std::uint64_t>(busy));
  statistics_.set(Counter::kQueuedRequests, queue_.size());
}

void WorkerPool::count_queue(const Job& job) noexcept {
  if (requests_ != nullptr) requests_->of(&job.route()).queue_time.add(loop_.now() - job.since);
}

/// Its handler has answered, or is not waited for any more.
void WorkerPool::count_handler(const Job& job) noexcept {
  if (requests_ != nullptr) requests_->of(&job.route()).handler_time.add(loop_.now() - job.since);
}

}  // namespace httpd::process
