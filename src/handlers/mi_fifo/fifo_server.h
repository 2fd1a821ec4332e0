// The MI FIFO process: reads requests, runs them, writes the replies.
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>

#include <httpd/log.h>
#include <httpd/mi.h>
#include <httpd/module.h>

#include "handlers/mi_fifo/descriptor.h"
#include "handlers/mi_fifo/fifo_settings.h"
#include "handlers/mi_fifo/listening_fifo.h"
#include "handlers/mi_fifo/patience.h"
#include "handlers/mi_fifo/reply_pipe.h"
#include "handlers/mi_fifo/request_reader.h"
#include "handlers/mi_fifo/throttled_log.h"

namespace httpd::mi_fifo {

/// How long one client may keep the MI FIFO process waiting.
struct ReplyTimes {
  std::chrono::milliseconds open{400};     ///< until it opens its FIFO for reading
  std::chrono::milliseconds write{2'000};  ///< until it has read the whole reply
};

struct FifoTimes {
  std::chrono::milliseconds check{30'000};  ///< between two looks at whether the FIFO is still in its place
  std::chrono::milliseconds incomplete{
      2'000};                              ///< the rest of a request must follow its last byte within this
  std::chrono::milliseconds batch{2'000};  ///< for all clients together whose requests were read at once
  ReplyTimes reply;
};

/// Serves one FIFO. As in OpenSIPS a client's reply FIFO is opened before its command runs, and the command
/// does not run when that fails; SIGHUP makes the FIFO anew.
class FifoServer {
 public:
  /// All arguments but `times` must outlive the server.
  FifoServer(const FifoSettings& settings, Mi& mi, Log& log, FifoTimes times = {});
  /// Makes the FIFO and says so with Process::ready(), serves until the process is to end, and removes it.
  /// Throws std::system_error when the FIFO cannot be made. Takes SIGHUP and SIGPIPE of the calling process
  /// for itself.
  void run(Process& process);

 private:
  using Clock = std::chrono::steady_clock;

  /// How long poll() may wait, in milliseconds.
  [[nodiscard]] int time_to_wait() const;
  void recreate(int stop_descriptor);
  void check_place(int stop_descriptor);
  /// Serves what the FIFO that was given up still holds.
  void finish(int old, int stop_descriptor);
  /// Reads once and serves what came, until there is something at `stop_descriptor`. Returns the number of
  /// bytes, 0 when there were none.
  std::size_t read_requests(int fifo, int stop_descriptor);
  void expire();
  void serve(const RequestReader::Item& item);
  void run_request(const RequestReader::Item& item);
  void refuse(const RequestReader::Item& item, std::string_view why, std::string_view reply);
  /// False, and a log line, when the reply FIFO cannot be opened. True when there is none.
  [[nodiscard]] bool open_reply(ReplyPipe& pipe, const std::string& name);
  void send_reply(ReplyPipe& pipe, const std::string& name, std::string_view reply);

  const FifoSettings& settings_;
  Mi& mi_;
  Log& log_;
  ThrottledLog client_log_;  ///< for what a client can cause
  FifoTimes times_;
  Patience patience_;
  ListeningFifo fifo_;
  RequestReader reader_;
  std::string buffer_;
  Clock::time_point last_byte_;
  Clock::time_point next_check_;
  std::string problem_;  ///< why the FIFO could not be made anew; "" when it stands
};

}  // namespace httpd::mi_fifo
