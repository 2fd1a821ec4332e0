// Handlers that answer in every way that the handler API offers, and check what they are asked.
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <httpd/reply.h>

#include "server/router.h"

namespace httpd::fuzz {

/// A reply that waits for a turn of the loop, and the way that it was asked for.
struct KeptReply {
  Reply reply;
  std::string way;
};

/// What the handlers of one server share with the harness. Must outlive the router.
struct Backstage {
  std::vector<KeptReply> for_loop;  ///< kept; finished by a callback on the handlers' loop
  std::vector<Reply> for_harness;   ///< kept; finished by the harness, between two turns of the loop
  std::vector<Reply> forgotten;     ///< kept and never finished
  std::size_t lent = 0;             ///< pieces of memory that were lent to the engine
  std::size_t released = 0;         ///< and those that it gave back
  std::size_t waiting = 0;          ///< streams that have nothing to send before they are asked again
  std::size_t waits_left = 1;       ///< each costs real time
  bool broken = false;              ///< a stream broke: its connection is to be cut
  bool kept = false;                ///< a reply was kept

  /// Finishes what stands in for_harness. True when there was anything.
  bool finish_outside();
};

/// Registers the roots "echo", "args", "stream", "later" and "bad". What comes below a root chooses the way.
void add_handlers(server::Router& router, Backstage& backstage);

}  // namespace httpd::fuzz
